import { AppError } from '../../platform/errors.ts';

export function noSuchEndpoint(): AppError {
  return new AppError('not_found', 'There is no webhook endpoint with this id.');
}

export function noSuchDelivery(): AppError {
  return new AppError('not_found', 'There is no webhook delivery with this id.');
}

export function urlRefused(reason: string): AppError {
  return new AppError('webhook_url_refused', `The webhook address can not be used: ${reason}.`, {
    fields: [{ pointer: '/url', detail: reason }],
  });
}
