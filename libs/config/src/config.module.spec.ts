import { Inject, Injectable, Module, Optional } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { ConfigModule, readSettings, type Settings, settingsProvider } from './index.js';

const queueSettings = ({ PCS_WRITE_QUEUE_MAX, PCS_NODE_TTL_SECONDS }: Settings) => ({
  maxLength: PCS_WRITE_QUEUE_MAX,
  ttlMs: PCS_NODE_TTL_SECONDS * 1_000,
});
type QueueSettings = ReturnType<typeof queueSettings>;

interface Pace {
  readonly everyMs?: number;
}

@Injectable()
class Queue {
  constructor(
    @Inject(queueSettings) readonly settings: QueueSettings,
    @Optional() readonly pace: Pace = {},
  ) {}
}

@Module({ providers: [settingsProvider(queueSettings), Queue] })
class QueueModule {}

describe('settingsProvider', () => {
  it('injects what a function selects from the settings', async () => {
    const settings = readSettings({ DATABASE_URL: 'postgres://localhost/x', PCS_WRITE_QUEUE_MAX: '7' });
    const app = await Test.createTestingModule({ imports: [ConfigModule.forRoot(settings), QueueModule] }).compile();
    expect(app.get(Queue)).toMatchObject({ settings: { maxLength: 7, ttlMs: 10_000 }, pace: {} });
  });
});
