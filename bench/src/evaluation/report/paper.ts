// The figures that the paper publishes, of its own cluster and its own prototypes: beside ours they show shapes, not sizes.

/** Highest rate with a p99 below 100 ms, workflows per second. */
export const PAPER_SUSTAINED: Readonly<Record<string, number>> = {
  "causalmesh-paper": 5_500,
  "causalmesh-paper-tcc": 4_500,
  "hydrocache-con": 3_500,
  "hydrocache-opt": 2_500,
};

/** p50 and p99 in milliseconds at 1 000 and 3 000 workflows per second. */
export const PAPER_LATENCY: Readonly<Record<string, Readonly<Record<number, readonly [number, number]>>>> = {
  "causalmesh-paper": { 1000: [4.8, 8.3], 3000: [4.7, 8.9] },
  "causalmesh-paper-tcc": { 1000: [6.5, 9.8], 3000: [6.8, 12.4] },
  "hydrocache-con": { 1000: [6.3, 9.4], 3000: [7.5, 24.1] },
  "hydrocache-opt": { 1000: [7.6, 11.2], 3000: [8.5, 346] },
};

export const PAPER_MEDIA_SUSTAINED: Readonly<Record<string, number>> = { "causalmesh-paper": 3_000, "causalmesh-paper-tcc": 2_100, "hydrocache-opt": 1_500 };

/** p50 in milliseconds per function, in workflows of 3 and of 10. */
export const PAPER_LENGTH: Readonly<Record<string, readonly [number, number]>> = { "causalmesh-paper": [2.85, 3.49], "causalmesh-paper-tcc": [3.29, 4.81] };

/** Workflows per second by the number of servers. */
export const PAPER_SERVERS: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  "causalmesh-paper": { 2: 2_200, 4: 4_250, 8: 8_100, 16: 14_950 },
  "causalmesh-paper-tcc": { 2: 1_500, 4: 2_400, 8: 2_700, 16: 2_750 },
};

/** Share of workflows with an anomaly on DAX, in percent, by the number of nodes. */
export const PAPER_ANOMALIES: Readonly<Record<number, number>> = { 1: 0, 2: 5.4, 4: 12.6, 8: 14.2 };
