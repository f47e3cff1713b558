import * as ldk from 'lightningdevkit';
import { displayed } from '../chain/bitcoind.ts';
import type { LogStore } from '../state/log-store.ts';
import { feeRateFor } from './config.ts';

/**
 * Wraps what LDK calls. An error that unwinds through WebAssembly leaves locks taken there for ever,
 * so it ends the process instead; it comes back from what is on the disk.
 */
export type Guard = <A extends unknown[], R>(run: (...args: A) => R) => (...args: A) => R;

export function createGuard(die: (error: unknown) => never): Guard {
  return (run) =>
    (...args) => {
      try {
        return run(...args);
      } catch (error) {
        return die(error);
      }
    };
}

/** Where LDK's own records are in the log. */
export const LDK_PREFIX = 'ldk/';

/** LDK's key-value store over our log; its three names become one key. */
export function keyValueStore(store: LogStore, guard: Guard): ldk.KVStore {
  const keyOf = (first: string, second: string, key: string) =>
    `${LDK_PREFIX}${first}/${second}/${key}`;
  const done = () => ldk.Result_NoneIOErrorZ.constructor_ok();
  return ldk.KVStore.new_impl({
    read: guard((first: string, second: string, key: string) => {
      const value = store.get(keyOf(first, second, key));
      return value === null
        ? ldk.Result_CVec_u8ZIOErrorZ.constructor_err(ldk.IOError.LDKIOError_NotFound)
        : ldk.Result_CVec_u8ZIOErrorZ.constructor_ok(value);
    }),
    write: guard((first: string, second: string, key: string, value: Uint8Array) => {
      // LDK's memory is used again after the call.
      store.put(keyOf(first, second, key), Uint8Array.from(value));
      return done();
    }),
    remove: guard((first: string, second: string, key: string) => {
      store.remove(keyOf(first, second, key));
      return done();
    }),
    list: guard((first: string, second: string) => {
      const prefix = keyOf(first, second, '');
      const names = store.keys(prefix).map((key) => key.slice(prefix.length));
      return ldk.Result_CVec_StrZIOErrorZ.constructor_ok(
        names.filter((name) => !name.includes('/')),
      );
    }),
  });
}

export type NodeLog = (level: 'debug' | 'info' | 'warn', message: string) => void;

export function ldkLogger(log: NodeLog, guard: Guard): ldk.Logger {
  const levels = ldk.Level;
  return ldk.Logger.new_impl({
    log: guard((record: ldk.Record) => {
      // Its errors are daily life (a route that is not there); what matters comes as an event.
      if (record.get_level() < levels.LDKLevel_Info) return;
      log('debug', `${record.get_module_path()}: ${record.get_args()}`);
    }),
  });
}

export const feeEstimator = (guard: Guard): ldk.FeeEstimator =>
  ldk.FeeEstimator.new_impl({ get_est_sat_per_1000_weight: guard(feeRateFor) });

/**
 * The key manager, but with closed channels' money going straight to our wallet: LDK's own addresses
 * would need one more transaction to get there.
 */
export function signerProvider(
  keys: ldk.KeysManager,
  destination: Uint8Array,
  guard: Guard,
): { provider: ldk.SignerProvider; base: ldk.SignerProvider } {
  const base = keys.as_SignerProvider();
  const shutdown = ldk.ShutdownScript.constructor_new_p2wpkh(destination.slice(2));
  const provider = ldk.SignerProvider.new_impl({
    generate_channel_keys_id: guard((isInbound: boolean, sats: bigint, userId: bigint) =>
      base.generate_channel_keys_id(isInbound, sats, userId),
    ),
    derive_channel_signer: guard((sats: bigint, keysId: Uint8Array) =>
      base.derive_channel_signer(sats, keysId),
    ),
    read_chan_signer: guard((reader: Uint8Array) => base.read_chan_signer(reader)),
    get_destination_script: guard(() => ldk.Result_CVec_u8ZNoneZ.constructor_ok(destination)),
    get_shutdown_scriptpubkey: guard(() =>
      ldk.Result_ShutdownScriptNoneZ.constructor_ok(shutdown.clone()),
    ),
  });
  return { provider, base };
}

/** Names a monitor in messages: the channel's funding output. */
export const fundingName = (outpoint: ldk.OutPoint): string =>
  `${displayed(outpoint.get_txid())}:${outpoint.get_index()}`;
