// The thread that moves the write-ahead log of a SQLite file into the file: its fsync would hold up the hub otherwise.
import { constants, Database } from 'bun:sqlite';
import { parentPort } from 'node:worker_threads';

parentPort!.on('message', (path: string) => {
  try {
    const db = new Database(path, { readwrite: true, create: false });
    try {
      // The file may be put aside meanwhile: the log that then has this name is not ours to delete.
      db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
      // Passive: waits for nobody and makes nobody wait.
      db.run('PRAGMA wal_checkpoint(PASSIVE)');
    } finally {
      db.close();
    }
    parentPort!.postMessage(null);
  } catch (error) {
    parentPort!.postMessage(String(error));
  }
});
