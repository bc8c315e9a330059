using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

// String comparison, AES, carry-less multiplication, GFNI, SHA.
internal static unsafe partial class VectorFamily
{
    private static void RegisterStringsAndCryptography(InstructionTable table)
    {
        table.Add(Mnemonic.Pcmpestri, &StringCompare.Bind);
        table.Add(Mnemonic.Pcmpestri64, &StringCompare.Bind);
        table.Add(Mnemonic.Pcmpestrm, &StringCompare.Bind);
        table.Add(Mnemonic.Pcmpestrm64, &StringCompare.Bind);
        table.Add(Mnemonic.Pcmpistri, &StringCompare.Bind);
        table.Add(Mnemonic.Pcmpistrm, &StringCompare.Bind);
        table.Add(Mnemonic.Aesenc, &PackedShape<Aesenc, Whole>.Bind);
        table.Add(Mnemonic.Aesenclast, &PackedShape<Aesenclast, Whole>.Bind);
        table.Add(Mnemonic.Aesdec, &PackedShape<Aesdec, Whole>.Bind);
        table.Add(Mnemonic.Aesdeclast, &PackedShape<Aesdeclast, Whole>.Bind);
        table.Add(Mnemonic.Aesimc, &PackedShape<Aesimc, Whole>.Bind);
        table.Add(Mnemonic.Aeskeygenassist, &PackedShape<Aeskeygenassist, Whole>.Bind);
        table.Add(Mnemonic.Pclmulqdq, &PackedShape<Pclmulqdq, Whole>.Bind);

        table.Add(Mnemonic.Gf2p8mulb, &PackedShape<Gf2p8mulb, Whole>.Bind);
        table.Add(Mnemonic.Gf2p8affineqb, &PackedShape<Gf2p8affineqb, Whole>.Bind);
        table.Add(Mnemonic.Gf2p8affineinvqb, &PackedShape<Gf2p8affineinvqb, Whole>.Bind);

        // Processors at hand do not ask for alignment here, though the SDM's exception class says so.
        table.Add(Mnemonic.Sha1rnds4, &PackedShape<Sha1rnds4, Unaligned>.Bind);
        table.Add(Mnemonic.Sha1nexte, &PackedShape<Sha1nexte, Unaligned>.Bind);
        table.Add(Mnemonic.Sha1msg1, &PackedShape<Sha1msg1, Unaligned>.Bind);
        table.Add(Mnemonic.Sha1msg2, &PackedShape<Sha1msg2, Unaligned>.Bind);
        table.Add(Mnemonic.Sha256rnds2, &ThirdOperandShape<Sha256rnds2, Unaligned>.Bind);
        table.Add(Mnemonic.Sha256msg1, &PackedShape<Sha256msg1, Unaligned>.Bind);
        table.Add(Mnemonic.Sha256msg2, &PackedShape<Sha256msg2, Unaligned>.Bind);
    }
}
