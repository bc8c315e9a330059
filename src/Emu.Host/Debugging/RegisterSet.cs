using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.Debugging;

/// <summary>The registers of a view, in the order of gdb's numbers, and how they are read and written.</summary>
/// <remarks>
/// The program counter is a linear address: outside 64-bit code, CS's base is added to what gdb reads and taken off what it writes. So code,
/// breakpoints and where the guest stands are in the same numbers in every mode, real mode included. All other registers are as they are.
/// </remarks>
internal sealed unsafe class RegisterSet
{
    private static readonly string[] Names64 =
        ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    private static readonly string[] Names32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];

    private static readonly (string Name, SegmentName Segment)[] SegmentNames =
        [("cs", SegmentName.Cs), ("ss", SegmentName.Ss), ("ds", SegmentName.Ds), ("es", SegmentName.Es), ("fs", SegmentName.Fs), ("gs", SegmentName.Gs)];

    private readonly List<(string Feature, List<GuestRegister> Registers)> _features = [];
    private readonly List<GuestRegister> _all;

    private RegisterSet(CodeView view)
    {
        View = view;
        Core(Begin("org.gnu.gdb.i386.core"));
        int vectors = view == CodeView.Bits64 ? 16 : 8;
        List<GuestRegister> sse = Begin("org.gnu.gdb.i386.sse");
        for (int i = 0; i < vectors; i++)
            sse.Add(Vector($"xmm{i}", i * 4, "vec128"));
        sse.Add(Number("mxcsr", 32, "i386_mxcsr", "vector", static vcpu => vcpu.State->Mxcsr, static (vcpu, value) =>
        {
            if ((value & ~0xFFFFUL) != 0)
                return false;
            vcpu.State->Mxcsr = (uint)value;
            return true;
        }));
        List<GuestRegister> avx = Begin("org.gnu.gdb.i386.avx");
        for (int i = 0; i < vectors; i++)
            avx.Add(Vector($"ymm{i}h", (i * 4) + 2, "uint128"));
        // In a view of 32 bits gdb has no place for a feature 'segments'.
        SystemRegisters.AddBases(Begin(view == CodeView.Bits64 ? "org.gnu.gdb.i386.segments" : "emu.x86.bases"));
        SystemRegisters.Add(Begin("emu.x86.system"));
        _all = [.. _features.SelectMany(static feature => feature.Registers)];
        ContextLength = _all.Sum(static register => register.Length);
        ProgramCounter = _all.FindIndex(register => register.Name == (view == CodeView.Bits64 ? "rip" : "eip"));
    }

    /// <summary>The view.</summary>
    public CodeView View { get; }

    /// <summary>The features with their registers.</summary>
    public IReadOnlyList<(string Feature, List<GuestRegister> Registers)> Features => _features;

    /// <summary>All registers by gdb's numbers.</summary>
    public IReadOnlyList<GuestRegister> All => _all;

    /// <summary>Bytes of all registers together: the packet <c>g</c>.</summary>
    public int ContextLength { get; }

    /// <summary>The number of the program counter.</summary>
    public int ProgramCounter { get; }

    private static readonly Lazy<RegisterSet> Wide = new(static () => new RegisterSet(CodeView.Bits64));
    private static readonly Lazy<RegisterSet> Narrow = new(static () => new RegisterSet(CodeView.Bits32));
    private static readonly Lazy<RegisterSet> Real = new(static () => new RegisterSet(CodeView.Bits16));

    /// <summary>The registers of a view.</summary>
    /// <param name="view">The view.</param>
    /// <returns>The set.</returns>
    public static RegisterSet For(CodeView view) => view switch
    {
        CodeView.Bits64 => Wide.Value,
        CodeView.Bits32 => Narrow.Value,
        _ => Real.Value,
    };

    /// <summary>Where a processor stands: the linear address of its next instruction.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <returns>The address.</returns>
    public static ulong LinearRip(Vcpu vcpu) =>
        vcpu.Is64BitCode ? vcpu.State->Rip : (uint)(vcpu.State->Segments[(int)SegmentName.Cs].Base + vcpu.State->Rip);

    /// <summary>A register of up to eight bytes.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bits">Its width.</param>
    /// <param name="type">Its type.</param>
    /// <param name="group">Its group.</param>
    /// <param name="read">Its value.</param>
    /// <param name="write">Takes a value; null where it is read only.</param>
    /// <returns>The register.</returns>
    internal static GuestRegister Number(string name, int bits, string type, string? group, Func<Vcpu, ulong> read, Func<Vcpu, ulong, bool>? write)
    {
        return new GuestRegister(name, bits, type, group, Read, write is null ? null : Write);

        void Read(Vcpu vcpu, Span<byte> bytes)
        {
            Span<byte> whole = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(whole, read(vcpu));
            whole[..bytes.Length].CopyTo(bytes);
        }

        bool Write(Vcpu vcpu, ReadOnlySpan<byte> bytes)
        {
            Span<byte> whole = stackalloc byte[8];
            whole.Clear();
            bytes.CopyTo(whole);
            return write(vcpu, BinaryPrimitives.ReadUInt64LittleEndian(whole));
        }
    }

    private List<GuestRegister> Begin(string feature)
    {
        List<GuestRegister> registers = [];
        _features.Add((feature, registers));
        return registers;
    }

    private void Core(List<GuestRegister> core)
    {
        bool isWide = View == CodeView.Bits64;
        string[] names = isWide ? Names64 : Names32;
        // gdb's order of the 64-bit registers is not that of their encoding.
        ReadOnlySpan<int> encodings = isWide ? [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15] : [0, 1, 2, 3, 4, 5, 6, 7];
        for (int i = 0; i < names.Length; i++)
            core.Add(General(names[i], encodings[i], isWide));
        int bits = isWide ? 64 : 32;
        core.Add(Number(isWide ? "rip" : "eip", bits, "code_ptr", null, LinearRip, SetLinearRip));
        core.Add(Number("eflags", 32, "i386_eflags", null, static vcpu => vcpu.RflagsImage, SystemRegisters.SetFlags));
        foreach ((string name, SegmentName segment) in SegmentNames)
        {
            core.Add(Number(name, 32, "int32", null, vcpu => vcpu.State->Segments[(int)segment].Selector,
                (vcpu, value) => SystemRegisters.LoadSegment(vcpu, segment, value)));
        }

        for (int i = 0; i < 8; i++)
            core.Add(FloatRegisters.Stack(i));
        FloatRegisters.AddControl(core);
    }

    private static GuestRegister General(string name, int encoding, bool isWide)
    {
        string type = encoding is 4 or 5 ? "data_ptr" : isWide ? "int64" : "int32";
        return Number(name, isWide ? 64 : 32, type, null, vcpu => vcpu.State->Registers[encoding], (vcpu, value) =>
        {
            // A view of 32 bits on a processor in 64-bit mode leaves the half alone that it does not see.
            vcpu.State->Registers[encoding] = isWide ? value : (vcpu.State->Registers[encoding] & ~0xFFFF_FFFFUL) | value;
            return true;
        });
    }

    private static bool SetLinearRip(Vcpu vcpu, ulong value)
    {
        vcpu.State->Rip = vcpu.Is64BitCode ? value : (uint)(value - vcpu.State->Segments[(int)SegmentName.Cs].Base);
        return true;
    }

    private static GuestRegister Vector(string name, int word, string type) => new(name, 128, type, null,
        (vcpu, bytes) => Bytes(vcpu, word).CopyTo(bytes),
        (vcpu, bytes) =>
        {
            bytes.CopyTo(Bytes(vcpu, word));
            return true;
        });

    private static Span<byte> Bytes(Vcpu vcpu, int word) => MemoryMarshal.AsBytes(new Span<ulong>(vcpu.State->Vectors + word, 2));
}
