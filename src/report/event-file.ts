import { PbfWriter } from 'pbf';

/** What is told of a step, as TensorBoard's plugins show it. */
export type SummaryValue =
  | { tag: string; scalar: number }
  | { tag: string; text: string }
  | { tag: string; image: { width: number; height: number; encoded: Uint8Array } };

export interface StepSummary {
  step: number;
  /** Seconds since 1970. */
  time: number;
  values: readonly SummaryValue[];
}

/**
 * The bytes of an event file: TFRecords of `tensorflow.Event` (tensorflow/core/util/event.proto and
 * core/framework/summary.proto), of which TensorBoard reads what is written here.
 */
export function eventFile(steps: readonly StepSummary[]): Uint8Array {
  const [first] = steps;
  const version = record((event) => {
    event.writeDoubleField(1, first?.time ?? 0);
    event.writeStringField(3, 'brain.Event:2');
  });
  return Buffer.concat([version, ...steps.map(stepRecord)]);
}

const stepRecord = ({ step, time, values }: StepSummary): Uint8Array =>
  record((event) => {
    event.writeDoubleField(1, time);
    event.writeVarintField(2, step);
    event.writeMessage(
      5,
      (all, summary) => {
        for (const value of all) summary.writeMessage(1, writeValue, value);
      },
      values,
    );
  });

function writeValue(value: SummaryValue, message: PbfWriter): void {
  message.writeStringField(1, value.tag);
  if ('scalar' in value) message.writeFloatField(2, value.scalar);
  else if ('image' in value)
    message.writeMessage(
      4,
      ({ width, height, encoded }, image) => {
        image.writeVarintField(1, height);
        image.writeVarintField(2, width);
        image.writeVarintField(3, RGB);
        image.writeBytesField(4, encoded);
      },
      value.image,
    );
  else {
    message.writeMessage(
      8,
      (text, tensor) => {
        tensor.writeVarintField(1, DT_STRING);
        tensor.writeBytesField(8, Buffer.from(text));
      },
      value.text,
    );
    message.writeMessage(
      9,
      (_, metadata) => metadata.writeMessage(1, (name, plugin) => plugin.writeStringField(1, name), 'text'),
      null,
    );
  }
}

const [RGB, DT_STRING] = [3, 7];

/** A TFRecord: the length, its checksum, the message, its checksum. */
function record(write: (message: PbfWriter) => void): Uint8Array {
  const message = new PbfWriter();
  write(message);
  const data = message.finish();
  const head = new DataView(new ArrayBuffer(12));
  head.setBigUint64(0, BigInt(data.length), true);
  head.setUint32(8, maskedChecksum(new Uint8Array(head.buffer, 0, 8)), true);
  const tail = new DataView(new ArrayBuffer(4));
  tail.setUint32(0, maskedChecksum(data), true);
  return Buffer.concat([new Uint8Array(head.buffer), data, new Uint8Array(tail.buffer)]);
}

/** As TFRecords have it: rotated, so that the checksum of data that holds checksums is none of them. */
function maskedChecksum(data: Uint8Array): number {
  const checksum = crc32c(data);
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

/** Of Castagnoli's polynomial (RFC 3720), which Node's zlib does not have. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(data: Uint8Array): number {
  let checksum = 0xffffffff;
  for (const byte of data) checksum = TABLE[(checksum ^ byte) & 0xff]! ^ (checksum >>> 8);
  return ~checksum >>> 0;
}
