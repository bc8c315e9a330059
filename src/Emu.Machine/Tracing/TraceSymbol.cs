namespace Emu.Machine.Tracing;

/// <summary>A name that a trace carries for a range of linear addresses.</summary>
/// <param name="Address">The first address.</param>
/// <param name="Size">How many bytes have the name; 0 where that is not known.</param>
/// <param name="Name">The name.</param>
public readonly record struct TraceSymbol(ulong Address, ulong Size, string Name);
