/** Looking a recorded transfer up by its id, between batches, for the coordinator's thread. */
import { IP_LOG2 } from "../core/layout";
import {
  entryOf,
  entrySequence,
  entryTag,
  homePosition,
  idPartitionHeader,
  idPartitionOf,
  idPartitionTable,
  idTag,
} from "./exactly-once";
import { placementHash } from "./identifiers";

/**
 * Sequence of a transfer whose id has the hash bits of the one at `key`, after `skipped` others that have them too; 0
 * where there is none left. Whoever asks compares the ids: equal bits are not equal ids.
 */
export function findTransfer(key: usize, kind: u32, skipped: u32): u32 {
  const hash = placementHash(load<u64>(key), load<u64>(key, 8), kind);
  const partition = idPartitionOf(hash);
  const tag = idTag(hash);
  const table = idPartitionTable(partition);
  const log2 = load<u32>(idPartitionHeader(partition), IP_LOG2);
  const mask: u32 = (1 << log2) - 1;
  let position = homePosition(entryOf(tag, 0), log2);
  let left = skipped;
  while (true) {
    const entry = load<u64>(table + (<usize>position << 3));
    if (entry == 0) return 0;
    if (entryTag(entry) == tag) {
      if (left == 0) return entrySequence(entry);
      left--;
    }
    position = (position + 1) & mask;
  }
}
