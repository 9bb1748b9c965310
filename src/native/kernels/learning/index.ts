// The kernels of machine learning.
import { treeHistograms } from './tree-histograms.ts';

export { treeHistograms } from './tree-histograms.ts';

export const learningKernels = [treeHistograms] as const;
