import { settingsProvider } from '@coordination/config';
import { BatchAnswers } from './batch-answers.js';
import { BatchStore } from './locked/batch-store.js';
import { CatalogWriter } from './catalog-writer.js';
import { CommitSettlement } from './commit-settlement.js';
import { EnsuredPartitions } from './ensured-partitions.js';
import { ExpiryContext } from './locked/expiry-context.js';
import { LockedAppend } from './locked/locked-append.js';
import { CachedCatalog } from './optimistic/cached-catalog.js';
import { OptimisticAppend } from './optimistic/optimistic-append.js';
import { OptimisticAppendRepository } from './optimistic/optimistic-append.repository.js';
import { PredictedHead } from './optimistic/predicted-head.js';
import { BatchPlanner } from './plan-batch.js';
import { WriteQueue } from './queue/write-queue.js';
import { writeSettings } from './write-settings.js';
import { WriterMetrics } from './writer-metrics.js';

/** The classes that {@link CatalogWriter} consists of. */
export const WRITER_PROVIDERS = [
  settingsProvider(writeSettings),
  WriterMetrics,
  WriteQueue,
  BatchPlanner,
  EnsuredPartitions,
  PredictedHead,
  CachedCatalog,
  OptimisticAppendRepository,
  OptimisticAppend,
  ExpiryContext,
  BatchStore,
  LockedAppend,
  CommitSettlement,
  BatchAnswers,
  CatalogWriter,
];
