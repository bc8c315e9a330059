#!/bin/sh
# Rebuilds the compressed fixtures with the real tools (xz, lzma, lz4, zstd, lzop, bzip2, gzip, python3).
# bootable.elf is what ElfBuilder.Bootable().Build() returns; the test Fixture_is_the_image_that_the_builder_makes holds it to that.
set -e
cd "$(dirname "$0")"
python3 make-sample.py > sample
pack() { # name, command
	name=$1
	shift
	for f in sample bootable.elf; do
		"$@" < "$f" > "$f.$name"
	done
}
pack gz gzip -9 -n
pack bz2 bzip2 -1
pack lzma lzma -9
pack xz xz --check=crc32 --x86 --lzma2=dict=1MiB
pack crc64.xz xz -6 --check=crc64 --block-size=65536 -T2
pack sha256.xz xz -0 --check=sha256 --delta=dist=4 --lzma2=preset=0,lc=1,lp=2,pb=1
pack lz4 lz4 -9 -l
pack frame.lz4 lz4 -B4 -BD --content-size
pack zst zstd -19 --single-thread
pack fast.zst zstd --fast=3 --no-check
pack lzo lzop -9
pack fast.lzo lzop -1 --crc32
sha256sum sample
rm sample
