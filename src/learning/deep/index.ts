// The families of networks, by their names in requests.
import { autoencoder, lstmAutoencoder } from './families/autoencoder.ts';
import { cnn } from './families/cnn.ts';
import { gan } from './families/gan.ts';
import { mlp } from './families/mlp.ts';
import { gru, lstm, rnn } from './families/recurrent.ts';
import { transformer } from './families/transformer.ts';

/** Every family of networks. */
export const DEEP_FAMILIES = [
  mlp,
  rnn,
  gru,
  lstm,
  transformer,
  cnn,
  autoencoder,
  lstmAutoencoder,
  gan,
] as const;
