import { testKernelsOn } from './force.js';

await testKernelsOn('sse2');
