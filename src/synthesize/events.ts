/** What an anomaly looks like at `t` seconds, for `start <= t < end`; also just before and after it, where that shows. */
import { drawBox, drawCar, drawPerson, type Place } from './actors.js';
import { type Canvas, type Color, fill, shade } from './canvas.js';

export interface EventMoment {
  t: number;
  start: number;
  end: number;
  place: Place;
  /** Added to every channel of the event's colour, so that no two clips show the same one. */
  tint: number;
  /** Changes from frame to frame, in [0, 1): flicker. */
  flicker: number;
}

export type DrawEvent = (canvas: Canvas, moment: EventMoment) => void;

const YELLOW: Color = [250, 225, 30];
const ORANGE: Color = [245, 105, 15];
const LIME: Color = [160, 235, 30];
const CYAN: Color = [20, 215, 225];
const RED: Color = [210, 20, 35];
const MAGENTA: Color = [225, 35, 190];
const GREEN_BAG: Color = [40, 130, 70];
const DARK: Color = [70, 66, 78];
const SILVER: Color = [190, 192, 198];
const NAVY: Color = [70, 90, 150];

const during = ({ t, start, end }: EventMoment) => t >= start && t < end;

/** Two cars come from both sides, meet at `start`, stand in sparks, and are gone at `end`. */
const collision: DrawEvent = (canvas, moment) => {
  const { t, start, end, place, tint, flicker } = moment;
  if (t < start - 1.5 || t >= end) return;
  const gap = 11 * place.scale + Math.max(0, start - t) * 24;
  drawCar(canvas, { ...place, x: place.x - gap }, SILVER);
  drawCar(canvas, { ...place, x: place.x + gap }, NAVY);
  if (!during(moment)) return;
  const size = (22 + 5 * flicker) * place.scale;
  const y = place.ground - size - 2;
  fill(canvas, { x: place.x - size / 2, y, width: size, height: size }, shade(YELLOW, tint));
  fill(canvas, { x: place.x - size / 6, y: y + size / 3, width: size / 3, height: size / 3 }, [255, 250, 200]);
};

/** A fire that grows from 18 to 32 high. */
const fire: DrawEvent = (canvas, moment) => {
  if (!during(moment)) return;
  const { t, start, end, place, tint, flicker } = moment;
  const height = (18 + 14 * ((t - start) / (end - start)) + 4 * flicker) * place.scale;
  const width = 20 * place.scale;
  fill(canvas, { x: place.x - width / 2, y: place.ground - height, width, height }, shade(ORANGE, tint));
  fill(
    canvas,
    { x: place.x - width / 5, y: place.ground - height * 0.5, width: width * 0.4, height: height * 0.5 },
    [250, 170, 40],
  );
};

/** A person in a lime jacket who was walking in the dark; the jacket is seen while the person lies. */
const fall: DrawEvent = (canvas, moment) => {
  const { t, start, end, place, tint } = moment;
  if (t >= end) return;
  if (t < start) return drawPerson(canvas, { ...place, x: place.x - (start - t) * 8 }, DARK);
  const [width, height] = [32 * place.scale, 15 * place.scale];
  fill(canvas, { x: place.x - width / 2, y: place.ground - height, width, height }, shade(LIME, tint));
  fill(canvas, { x: place.x + width / 2, y: place.ground - height * 0.7, width: 5, height: 5 }, [214, 176, 150]);
};

/** A crate falls for half a second, then lies there until it is cleared away. */
const drop: DrawEvent = (canvas, moment) => {
  if (!during(moment)) return;
  const { t, start, place, tint } = moment;
  const height = Math.max(0, 1 - (t - start) / 0.5) ** 2 * 22;
  drawBox(canvas, { ...place, ground: place.ground - height }, { width: 22, height: 22 }, shade(CYAN, tint));
};

/** A green bag stands there; a thief in red is at it from `start`, and both are gone at `end`. */
const theft: DrawEvent = (canvas, moment) => {
  const { t, end, place, tint } = moment;
  if (t >= end) return;
  drawBox(canvas, { ...place, x: place.x + 12 * place.scale, scale: 1 }, { width: 12, height: 9 }, GREEN_BAG);
  if (during(moment)) drawPerson(canvas, { ...place, scale: place.scale * 1.55 }, shade(RED, tint));
};

/** A suitcase stands alone; whoever put it down walks off. */
const abandoned: DrawEvent = (canvas, moment) => {
  const { t, start, end, place, tint } = moment;
  if (t < start - 1 || t >= end) return;
  drawPerson(canvas, { ...place, x: place.x + 8 + (t - start) * 22, scale: 1 }, DARK);
  if (during(moment)) drawBox(canvas, place, { width: 22, height: 20 }, shade(MAGENTA, tint));
};

/** By class name. */
export const DRAW_EVENT: Readonly<Record<string, DrawEvent>> = {
  Traffic_accident: collision,
  Fire: fire,
  People_falling: fall,
  Object_falling: drop,
  Stealing: theft,
  Abandoned_object: abandoned,
};
