/** A consumer as most are written: a class with decorators, a service that is injected, a DTO of class-validator. */
import {
  CheckpointPolicy,
  injectable,
  KinesisConsumer,
  OnLeaseLost,
  OnRecord,
  run,
} from '../../packages/core/dist/index.js';
import { schemas } from './schemas.mjs';
import { createRequire } from 'node:module';

// An import of CommonJS would load a parser, which is not the business of any client.
const { Seen } = createRequire(import.meta.url)('./seen.cjs');

const OrderDto = await schemas.dto();

class Service {
  seen = new Seen();
}
injectable()(Service);

class Orders {
  constructor(service) {
    this.service = service;
  }

  placed(order, { record }) {
    this.service.seen.takeOrder(order, record.bytes);
  }

  leaseLost() {
    this.service.seen.report();
  }
}
// What a compiler makes of decorators.
const method = (name, decorate) =>
  decorate(Orders.prototype, name, Object.getOwnPropertyDescriptor(Orders.prototype, name));
Reflect.defineMetadata('design:paramtypes', [Service], Orders);
method('placed', OnRecord({ schema: OrderDto }));
method('leaseLost', OnLeaseLost());
CheckpointPolicy('batch')(Orders);
KinesisConsumer('bench', 'bench')(Orders);

await run(Orders);
