namespace Emu.Suites.SingleStep;

/// <summary>Something that is not as the silicon had it.</summary>
/// <param name="Register">The register, or null for an event or memory.</param>
/// <param name="Text">What it is, for what was wanted.</param>
internal sealed record Difference(MooRegister? Register, string Text);
