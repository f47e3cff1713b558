/** Front door of screening: lists, names, addresses; with and without a server. */

export { buildAddressIndex } from './addresses/address-index.ts';
export { isForeign, normaliseAddress } from './addresses/normalise.ts';
export { loadList, loadLists, saveList } from './data-folder.ts';
export { compareLists } from './delta.ts';
export { ListError } from './errors.ts';
export type {
  DateRange,
  EntrySchema,
  Gender,
  ImportEvent,
  ImportFinding,
  ListEntry,
} from './list-entry.ts';
export { countryCode } from './lists/countries.ts';
export { readDate } from './lists/dates.ts';
export { importList, isListFormat, LIST_FORMATS, type ListFormat } from './lists/import.ts';
export { readCsv } from './lists/read-csv.ts';
export { readLines } from './lists/read-lines.ts';
export { type Hit, buildNameIndex, type NameIndex, type Question } from './name-index.ts';
export { scorePair } from './score-pair.ts';
export { readName } from './names/read-name.ts';
export { FULL_POINTS, type Score, type ScorePart } from './names/score.ts';
export { DEFAULT_SETTINGS } from './names/settings.ts';
export { type AddressCategory, type ListPurpose } from './screener/categories.ts';
export { type OpenScreener, openScreener } from './screener/open-screener.ts';
export { screenerOver } from './screener/screener-over.ts';
export type { AddressHit, ListVersionRef, NameQuery, Screener } from './screener/screener.ts';
export type { Rescreener, RescreenPage } from './rescreening/rescreener.ts';
export { lookUpOwnAddresses } from './own-addresses/own-addresses.ts';
export type { OwnAddress } from './own-addresses/own-address-store.ts';
export { startRescreening } from './rescreening/rescreen-loop.ts';
export type { ScreeningRouteDeps } from './routes/deps.ts';
export { addListRoutes } from './routes/list-routes.ts';
export { addScreenRoutes } from './routes/screen-routes.ts';
export { addVersionRoutes } from './routes/version-routes.ts';
export { startListWork, tellOfStaleLists } from './versions/list-work.ts';
