/** Whether many seeds were asked for: then the other tests take their long forms too. */
export const IS_LONG_RUN = process.env.DITTOFS_SIMULATION_SEEDS !== undefined
