import { SetupError } from '../../system/errors.js';

/**
 * TensorFlow releases that the addon is known to build against and to run on, the preferred one first: 2.21 multiplies
 * as fast as 2.20 and writes two lines to standard error as it is loaded, whatever the environment says.
 */
const TENSORFLOW_VERSIONS = ['2.20.0', '2.21.0', '2.15.1'];

/** What to fetch for this machine, and how to link against it. */
export interface Target {
  /** `linux-x64` */
  platform: string;
  cuda: boolean;
  /** The name on PyPI. */
  distribution: string;
  /** In the order of preference. */
  tensorflowVersions: readonly string[];
  /** The wheel platforms that run here, as pip names them. */
  wheelPlatforms: readonly string[];
  /** The files of the wheel's `tensorflow` folder that the addon is linked with. */
  libraries: readonly string[];
  /** For the compiler: where the libraries are found at run time, and what a Node addon needs. */
  linkFlags: readonly string[];
  /** Space that making it takes at its largest, in bytes. */
  diskBytes: number;
}

/**
 * The TensorFlow build for this machine.
 *
 * @throws SetupError `TENSORFLOW_UNSUPPORTED`: there is no such build.
 */
export const runtimeTarget = ({ cuda }: { cuda: boolean }): Target => {
  const platform = `${process.platform}-${process.arch}`;
  const common = { platform, cuda, tensorflowVersions: TENSORFLOW_VERSIONS, diskBytes: (cuda ? 14 : 2) * 2 ** 30 };
  if (platform === 'linux-x64' || (platform === 'linux-arm64' && !cuda)) {
    const architecture = platform === 'linux-x64' ? 'x86_64' : 'aarch64';
    return {
      ...common,
      // The CPU build for 64-bit ARM has no name of its own.
      distribution: cuda || architecture === 'aarch64' ? 'tensorflow' : 'tensorflow-cpu',
      wheelPlatforms: manylinuxPlatforms({ architecture, glibcMinor: glibcMinor() }),
      libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
      // The wheel's libraries find the nvidia wheels by rpaths of their own, relative to the `tensorflow` folder.
      linkFlags: ['-Wl,-rpath,$ORIGIN'],
    };
  }
  if (platform === 'darwin-arm64' && !cuda) {
    return {
      ...common,
      distribution: 'tensorflow',
      wheelPlatforms: ['macosx_12_0_arm64'],
      libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
      linkFlags: ['-Wl,-rpath,@loader_path', '-undefined', 'dynamic_lookup'],
    };
  }
  const kind = cuda ? 'CUDA build of TensorFlow' : 'TensorFlow build';
  const message = `there is no ${kind} for ${platform}: use Linux (on Windows: WSL 2)`;
  throw new SetupError({ code: 'TENSORFLOW_UNSUPPORTED', message });
};

/** The tags of all wheels that run on a system with glibc 2.`glibcMinor`. */
export const manylinuxPlatforms = ({ architecture, glibcMinor }: { architecture: string; glibcMinor: number }) => {
  const platforms: string[] = [];
  for (let minor = glibcMinor; minor >= 17; minor -= 1) platforms.push(`manylinux_2_${minor}_${architecture}`);
  if (glibcMinor >= 17) platforms.push(`manylinux2014_${architecture}`);
  return platforms;
};

/** @throws SetupError `TENSORFLOW_UNSUPPORTED`: musl, or a glibc older than any wheel's. */
const glibcMinor = (): number => {
  const report: unknown = process.report.getReport();
  const { header } = report as { header: { glibcVersionRuntime?: string } };
  const minor = Number(/^2\.(\d+)/.exec(header.glibcVersionRuntime ?? '')?.[1] ?? 0);
  if (minor >= 17) return minor;
  const found = header.glibcVersionRuntime ?? 'another C library (musl)';
  const message = `TensorFlow needs glibc 2.17 or later, and here is ${found}: use a glibc system such as Debian or Ubuntu`;
  throw new SetupError({ code: 'TENSORFLOW_UNSUPPORTED', message });
};
