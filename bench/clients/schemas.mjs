/** The schemas of the benchmark: one order of six fields, said in each of the libraries that a user may choose. */
export const schemas = {
  async zod() {
    const z = await import('zod');
    return z.object({
      id: z.string(),
      userId: z.number().int().nonnegative(),
      email: z.string(),
      type: z.enum(['placed', 'cancelled']),
      amount: z.number(),
      at: z.string(),
    });
  },
  async valibot() {
    const v = await import('valibot');
    return v.object({
      id: v.string(),
      userId: v.pipe(v.number(), v.integer(), v.minValue(0)),
      email: v.string(),
      type: v.picklist(['placed', 'cancelled']),
      amount: v.number(),
      at: v.string(),
    });
  },
  async arktype() {
    const { type } = await import('arktype');
    return type({
      id: 'string',
      userId: 'number.integer >= 0',
      email: 'string',
      type: "'placed' | 'cancelled'",
      amount: 'number',
      at: 'string',
    });
  },
  async dto() {
    const { IsIn, IsInt, IsNumber, IsString, Min } = await import('class-validator');
    class OrderDto {}
    const declare = (name, ...decorators) => decorators.forEach((decorate) => decorate(OrderDto.prototype, name));
    declare('id', IsString());
    declare('userId', IsInt(), Min(0));
    declare('email', IsString());
    declare('type', IsIn(['placed', 'cancelled']));
    declare('amount', IsNumber());
    declare('at', IsString());
    return OrderDto;
  },
};
