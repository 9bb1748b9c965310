// The families of networks, by their names in requests.
import { mlp } from './families/mlp.ts';

/** Every family of networks. */
export const DEEP_FAMILIES = [mlp] as const;
