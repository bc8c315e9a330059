#!/usr/bin/env python3
"""Writes the sample that the compressed fixtures hold: words, code with calls, zeros, noise and near-repeats (229376 bytes)."""
import struct
import sys

state = 0x2545F491


def draw(bound):
    global state
    state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    return (state >> 8) % bound


words = [bytes(97 + draw(26) for _ in range(2 + draw(7))) for _ in range(200)]
text = bytearray()
while len(text) < 16384:
    text += words[min(draw(200), draw(200))] + (b" " if draw(9) else b"\n")
text = text[:16384]

code = bytearray()
targets = [0x1000 + 16 * draw(4096) for _ in range(24)]
while len(code) < 12288:
    kind = draw(4)
    if kind == 0:
        code += bytes([0xE8 + draw(2)]) + struct.pack("<i", targets[draw(24)] - (len(code) + 5))
    elif kind == 1:
        code += bytes([0x48, 0x89, 0xC0 + draw(64)])
    elif kind == 2:
        code += bytes([0x0F, 0x80 + draw(16)]) + struct.pack("<i", draw(512) - 256)
    else:
        code += bytes([0xB8 + draw(8), draw(256), 0, 0, 0])
code = code[:12288]

sample = bytearray(text + code + bytes(32768) + bytes(draw(256) for _ in range(2048)) + bytes([0x5A]) * 2048)
while len(sample) < 229376:
    start = draw(len(sample) - 4096)
    piece = bytearray(sample[start:start + 512 + draw(3584)])
    for _ in range(draw(4)):
        piece[draw(len(piece))] = draw(256)
    sample += piece
sys.stdout.buffer.write(sample[:229376])
