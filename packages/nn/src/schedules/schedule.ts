/** A schedule is a function of the step, counted from 0, that gives the learning rate of that step. */
export type Schedule = (step: number) => number;
