import { testKernelsOn } from './force.js';

await testKernelsOn('avx2');
