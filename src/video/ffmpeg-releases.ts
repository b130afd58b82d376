// What is fetched, and what it must be, by `process.platform-process.arch`: nothing else is run.

/** Wheels of PyPI's `imageio-ffmpeg` (ffmpeg 7), with pip's platform tag and the wheel's SHA-256. */
export const WHEEL_VERSION = '0.6.0';
export const WHEELS: Record<string, { tag: string; sha256: string }> = {
  'linux-x64': {
    tag: 'manylinux2014_x86_64',
    sha256: 'c7e46fcec401dd990405049d2e2f475e2b397779df2519b544b8aab515195282',
  },
  'linux-arm64': {
    tag: 'manylinux2014_aarch64',
    sha256: '1d47bebd83d2c5fc770720d211855f208af8a596c82d17730aa51e815cdee6dc',
  },
  'darwin-x64': {
    tag: 'macosx_10_9_x86_64',
    sha256: '9d2baaf867088508d4a3458e61eeb30e945c4ad8016025545f66c4b5aaef0a61',
  },
  'darwin-arm64': {
    tag: 'macosx_11_0_arm64',
    sha256: 'b1ae3173414b5fc5f538a726c4e48ea97edc0d2cdc11f103afee655c463fa742',
  },
  'win32-x64': {
    tag: 'win_amd64',
    sha256: '02fa47c83703c37df6bfe4896aab339013f62bf02c5ebf2dce6da56af04ffc0a',
  },
};

/** npm's packages `@ffmpeg-installer/<platform>` (ffmpeg 4), with the archive's hash. */
export const PACKAGES: Record<string, { version: string; integrity: string }> = {
  'linux-x64': {
    version: '4.1.0',
    integrity: 'sha512-Y5BWhGLU/WpQjOArNIgXD3z5mxxdV8c41C+U15nsE5yF8tVcdCGet5zPs5Zy3Ta6bU7haGpIzryutqCGQA/W8A==',
  },
  'linux-arm64': {
    version: '4.1.4',
    integrity: 'sha512-dljEqAOD0oIM6O6DxBW9US/FkvqvQwgJ2lGHOwHDDwu/pX8+V0YsDL1xqHbj1DMX/+nP9rxw7G7gcUvGspSoKg==',
  },
  'darwin-x64': {
    version: '4.1.0',
    integrity: 'sha512-Z4EyG3cIFjdhlY8wI9aLUXuH8nVt7E9SlMVZtWvSPnm2sm37/yC2CwjUzyCQbJbySnef1tQwGG2Sx+uWhd9IAw==',
  },
  'darwin-arm64': {
    version: '4.1.5',
    integrity: 'sha512-hYqTiP63mXz7wSQfuqfFwfLOfwwFChUedeCVKkBtl/cliaTM7/ePI9bVzfZ2c+dWu3TqCwLDRWNSJ5pqZl8otA==',
  },
  'win32-x64': {
    version: '4.1.0',
    integrity: 'sha512-Drt5u2vzDnIONf4ZEkKtFlbvwj6rI3kxw1Ck9fpudmtgaZIHD4ucsWB2lCZBXRxJgXR+2IMSti+4rtM4C4rXgg==',
  },
};
