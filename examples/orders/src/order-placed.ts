import { Type } from 'class-transformer';
import { ArrayNotEmpty, IsEmail, IsInt, IsNotEmpty, IsString, Min, ValidateNested } from 'class-validator';

export class OrderLine {
  @IsString()
  @IsNotEmpty()
  sku!: string;

  @IsInt()
  @Min(1)
  quantity!: number;
}

/** What the shop puts into the stream `orders`, as JSON, with the customer as partition key. */
export class OrderPlaced {
  @IsString()
  @IsNotEmpty()
  orderId!: string;

  @IsEmail()
  customer!: string;

  @ArrayNotEmpty()
  @ValidateNested({ each: true })
  @Type(() => OrderLine)
  lines!: OrderLine[];
}
