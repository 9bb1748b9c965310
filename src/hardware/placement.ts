// Which cores an engine runs on, from how urgent its work is: fast ones where the machine has two kinds.

/** `latency`: somebody waits for each answer. `throughput`: much work, as fast as it goes. */
export type Urgency = 'latency' | 'throughput';

/** What the addon can do about it; see native/core/placement.h. */
export interface Placer {
  readonly setUrgency: (urgency: Urgency) => void;
  /** Linux: lets all threads of the process run on these logical CPUs only; `error` is empty when that worked. */
  readonly bindThreads: (cpus: Int32Array) => { readonly threads: number; readonly error: string };
  /** Logical CPUs that the process may run on; empty where the system does not tell. */
  readonly allowedCpus: () => readonly number[];
}

/** Where a process runs, and why there. */
export interface Placement {
  readonly urgency: Urgency;
  /** Logical CPUs that its threads were bound to; null when the system chooses among all. */
  readonly cpus: readonly number[] | null;
  /** Quality-of-service class of its threads; null where the system has none. */
  readonly qos: 'user-interactive' | 'user-initiated' | null;
  readonly reason: string;
}

const QOS = { latency: 'user-interactive', throughput: 'user-initiated' } as const;

/**
 * Places the threads of this process. On macOS by the quality of service, since nothing binds a thread to a core there. On Linux urgent
 * work is bound to `performanceCpus` where the machine has slower ones beside them; null where it has one kind of core or does not
 * tell. Never takes CPUs that the process was not allowed before, and leaves everything as it is when the system refuses.
 */
export function placeProcess(
  urgency: Urgency,
  performanceCpus: readonly number[] | null,
  placer: Placer,
  platform: NodeJS.Platform = process.platform,
): Placement {
  placer.setUrgency(urgency);
  if (platform === 'darwin') {
    const reason =
      'the system prefers its performance cores for both classes, and the more urgent one where they compete';
    return { urgency, cpus: null, qos: QOS[urgency], reason };
  }
  const free = (reason: string): Placement => ({ urgency, cpus: null, qos: null, reason });
  if (urgency === 'throughput') return free('work for throughput takes any core');
  if (!performanceCpus) return free('all cores are of one kind, as far as the system tells');
  const allowed = placer.allowedCpus();
  const cpus = allowed.filter((cpu) => performanceCpus.includes(cpu));
  if (cpus.length === 0) return free('the process may use none of the performance cores');
  if (cpus.length === allowed.length) return free('the process may use performance cores only');
  const { error } = placer.bindThreads(Int32Array.from(cpus));
  if (error) return free(`the system refused to bind the threads: ${error}`);
  return { urgency, cpus, qos: null, reason: 'urgent work keeps to the performance cores' };
}
