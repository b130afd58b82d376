import * as jinja from '@huggingface/jinja';

/** What is used of the library, whose own declarations do not resolve in ES modules (they leave out file endings). */
const { Environment, Interpreter, Template } = jinja as unknown as {
  Template: new (source: string) => { parsed: object };
  Environment: new () => { set(name: string, value: unknown): void };
  Interpreter: new (globals: object) => { run(program: object): Value; evaluate(node: object, scope: object): Value };
};
type Value = { value: unknown };

/** Far more than a template and a conversation have: in characters, and in entries of a list. */
const MAX_LENGTH = 2 ** 20;

/**
 * A Jinja template as what renders it. Templates come with models and are programs: no text or list that one makes on its
 * way may outgrow the memory. (How long it takes is bounded by whoever calls it.)
 *
 * @throws Error at once or from rendering
 */
export function boundedTemplate(source: string): (values: Record<string, unknown>) => string {
  checkLength(source);
  const { parsed } = new Template(source);
  return (values) => {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...GLOBALS, ...values })) environment.set(name, value);
    return String(new BoundedInterpreter(environment).run(parsed).value);
  };
}

class BoundedInterpreter extends Interpreter {
  override evaluate(node: object, scope: object): Value {
    const result = super.evaluate(node, scope);
    checkLength(result.value);
    return result;
  }
}

function checkLength(value: unknown): void {
  if (typeof value !== 'string' && !Array.isArray(value)) return;
  if (value.length > MAX_LENGTH) throw new Error(`it makes something of length ${value.length}, past ${MAX_LENGTH}`);
}

const fail = (message: string): never => {
  throw new Error(message);
};

/** What transformers gives to templates. */
const GLOBALS = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: fail,
  strftime_now: () => fail('strftime_now: prompts would differ from day to day, and no run could be repeated'),
  range: (first: number, second?: number, step = 1): number[] => {
    const [start, stop] = second === undefined ? [0, first] : [first, second];
    const count = Math.max(0, Math.ceil((stop - start) / step));
    if (!(count <= MAX_LENGTH)) throw new Error(`range() of ${count} numbers, past ${MAX_LENGTH}`);
    return Array.from({ length: count }, (_, i) => start + i * step);
  },
};
