// Preloaded into the processes that `make dev` and the bench start with an IPC channel: ends them when their parent ends, also
// by kill -9.
import process from 'node:process';

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The open channel must not keep the process alive.
process.channel?.unref();
