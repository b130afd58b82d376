/**
 * What can happen in a synthetic clip. The names are labels of VAU-Bench where it has one. `phrase` is what the options
 * of a question say; each starts with another word, all are two words long, so that no phrase stands out by its form.
 */
export interface ClipClass {
  /** The class label of the annotation. */
  name: string;
  /** The option text, and the reasoning of the annotation. */
  phrase: string;
  description: string;
}

export const NORMAL = 'Normal';

export const CLIP_CLASSES: readonly ClipClass[] = [
  {
    name: NORMAL,
    phrase: 'nothing unusual',
    description: 'An ordinary scene: people and cars pass by and nothing unusual happens.',
  },
  {
    name: 'Traffic_accident',
    phrase: 'cars collide',
    description: 'Two cars drive into each other, stop and throw yellow sparks.',
  },
  { name: 'Fire', phrase: 'fire burns', description: 'An orange fire breaks out, grows and flickers.' },
  {
    name: 'People_falling',
    phrase: 'person falls',
    description: 'A person falls and lies on the ground under a lime jacket.',
  },
  {
    name: 'Object_falling',
    phrase: 'crate drops',
    description: 'A cyan crate falls from above and lies on the ground.',
  },
  { name: 'Stealing', phrase: 'thief steals', description: 'A thief in red bends over a green bag and takes it away.' },
  {
    name: 'Abandoned_object',
    phrase: 'luggage left',
    description: 'Somebody puts down a magenta suitcase and leaves it alone.',
  },
];
