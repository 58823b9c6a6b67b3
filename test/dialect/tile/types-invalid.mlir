// Types that no target can hold are refused where they are written.
// RUN: attn-opt %s --split-input-file --verify-diagnostics -o /dev/null

// expected-error @below {{'diagonal' is not one of acc, lhs, row, partial}}
func.func private @layout(!tile.frag<64x64xf32, diagonal>)

// -----

// expected-error @below {{a fragment with layout acc has 2 dimensions, not 1}}
func.func private @matrix(!tile.frag<64xf32, acc>)

// -----

// expected-error @below {{a fragment with layout row has 1 dimension, not 2}}
func.func private @row(!tile.frag<64x64xf32, row>)

// -----

// expected-error @below {{a fragment has no empty dimension}}
func.func private @no_columns(!tile.frag<64x0xf32, acc>)

// -----

// expected-error @below {{a fragment cannot hold elements of type 'f64'}}
func.func private @element(!tile.frag<64x64xf64, acc>)

// -----

// expected-error @below {{a shared tile has 2 dimensions, not 1}}
func.func private @shared_rank(!tile.shared<64xf16, swizzle 0>)

// -----

// expected-error @below {{a shared tile has no empty dimension}}
func.func private @shared_empty(!tile.shared<0x64xf16, swizzle 0>)

// -----

// expected-error @below {{a shared tile cannot hold elements of type 'index'}}
func.func private @shared_element(!tile.shared<64x64xindex, swizzle 0>)

// -----

// expected-error @below {{swizzle is 0, 32, 64 or 128 bytes, not 16}}
func.func private @swizzle(!tile.shared<64x64xf16, swizzle 16>)

// -----

// expected-error @below {{a panel of 32 rows cannot hold 64 rows}}
func.func private @panel(!tile.shared<64x64xf16, swizzle 128, panel 32>)

// -----

// expected-error @below {{a pipe has 1 to 16 stages, not 0}}
func.func private @no_stage(!tile.pipe<0 x <64x64xf16, swizzle 128>, bulk>)

// -----

// expected-error @below {{a pipe has 1 to 16 stages, not 17}}
func.func private @stages(!tile.pipe<17 x <64x64xf16, swizzle 128>, bulk>)

// -----

// expected-error @below {{expected one of [bulk, cooperative] for Who moves the data of a pipe, got: pigeon}}
// expected-error @below {{failed to parse Tile_PipeType parameter 'transport'}}
func.func private @transport(!tile.pipe<1 x <64x64xf16, swizzle 128>, pigeon>)

// -----

// expected-error @below {{a global tensor names its columns alone}}
func.func private @global_rank(!tile.global<64x64xf16, bulk>)

// -----

// expected-error @below {{'far' is not one of bulk, direct}}
func.func private @access(!tile.global<64xf16, far>)

// -----

// expected-error @below {{a global tensor cannot hold elements of type 'index'}}
func.func private @global_element(!tile.global<64xindex, direct>)

// -----

// expected-error @below {{a global tensor has no empty rows}}
func.func private @global_empty(!tile.global<0xf16, direct>)

// -----

// expected-error @below {{a stage of 64 rows has panels of as many rows, not 128}}
func.func private @stage_panel(!tile.pipe<1 x <64x128xf16, swizzle 128, panel 128>, bulk>)
