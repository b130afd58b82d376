import { runTool } from '../../system/tool.js';
import type { Pip } from './pip.js';

/** Python's zipfile checks each member's CRC and lets no path out of the folder, but forgets what is executable. */
const EXTRACT = `
import os, sys, zipfile
archive, folder, prefixes = sys.argv[1], sys.argv[2], tuple(sys.argv[3:])
with zipfile.ZipFile(archive) as wheel:
    for member in wheel.infolist():
        if member.filename.startswith(prefixes):
            path = wheel.extract(member, folder)
            if (member.external_attr >> 16) & 0o111:
                os.chmod(path, 0o755)
`;

/**
 * Unpacks those members of a wheel whose names begin with one of `prefixes` (`''`: all).
 *
 * @throws ToolError if the archive is damaged or the disk is full.
 */
export const unpackWheel = async ({
  pip,
  wheel,
  folder,
  prefixes,
}: {
  pip: Pip;
  wheel: string;
  folder: string;
  prefixes: readonly string[];
}): Promise<void> => {
  await runTool({ command: pip.python, args: ['-c', EXTRACT, wheel, folder, ...prefixes] });
};
