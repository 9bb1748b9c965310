// Time zones that providers name in their answers.
import { Zone } from '../../../src/market/sessions/days.ts';

/** What a provider may make this process remember. */
const MOST = 100;
const zones = new Map<string, Zone | null>();

/** Returns a zone of the IANA database by its name, or null when there is none of it. */
export function zoneNamed(name: string): Zone | null {
  let zone = zones.get(name);
  if (zone === undefined) {
    try {
      zone = new Zone(name);
    } catch {
      zone = null;
    }
    if (zones.size < MOST) zones.set(name, zone);
  }
  return zone;
}
