import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';

/** The form of the entries of Node.js that describe a garbage collection. */
interface CollectionEntry {
  readonly detail?: { readonly kind?: number };
}

/**
 * Knows how much of V8's heap is in use by live objects: what was left after the last full garbage collection. Between two
 * collections the heap also contains garbage, so the present use says little.
 */
@Injectable()
export class LiveHeap implements OnModuleInit, OnApplicationShutdown {
  private observer: PerformanceObserver | undefined;
  private left = 0;

  /** Bytes; 0 before the first full collection. */
  get bytes(): number {
    return this.left;
  }

  /** The most bytes that the heap of this process may have. */
  get limitBytes(): number {
    return getHeapStatistics().heap_size_limit;
  }

  onModuleInit(): void {
    this.observer = new PerformanceObserver(list => {
      const isFull = list.getEntries().some(entry => isFullCollection(entry as CollectionEntry));
      if (isFull) this.left = getHeapStatistics().used_heap_size;
    });
    this.observer.observe({ entryTypes: ['gc'] });
  }

  onApplicationShutdown(): void {
    this.observer?.disconnect();
  }
}

const isFullCollection = ({ detail }: CollectionEntry): boolean => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
