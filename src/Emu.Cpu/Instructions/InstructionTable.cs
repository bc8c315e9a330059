using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Control;
using Emu.Cpu.Instructions.ExtendedState;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.Instructions.Strings;
using Emu.Cpu.Instructions.Supervisor;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.Instructions.X87;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions;

/// <summary>Every instruction that the CPU knows: what binds its operands and its handler, by mnemonic or, where forms differ, by code.</summary>
/// <remarks>
/// A family is a folder; its <c>Register</c> method is its part of the table. What is not here raises #UD and is reported as
/// unsupported; what the CPU model does not declare raises #UD as on a processor without the feature.
/// </remarks>
public sealed unsafe class InstructionTable
{
    private readonly nint[] _byMnemonic = new nint[Enum.GetValues<Mnemonic>().Length];
    private readonly Dictionary<Code, nint> _byCode = [];

    // What each code has turned out to be bound by, #UD for absent features and missing instructions included; null where it was not asked yet.
    private readonly nint[] _resolved = new nint[Enum.GetValues<Code>().Length];
    private readonly CpuModel _model;
    private LateFamilies _late = LateFamilies.X87 | LateFamilies.Sse | LateFamilies.Avx;

    /// <summary>Builds the table.</summary>
    /// <param name="model">The processor, whose features decide which instructions exist; null for the default one.</param>
    public InstructionTable(CpuModel? model = null)
    {
        _model = model ?? new CpuModel();
        IntegerFamily.Register(this);
        ControlFamily.Register(this);
        StringFamily.Register(this);
        X87Family.RegisterControl(this);
        ExtendedStateFamily.Register(this);
        SupervisorFamily.Register(this);
    }

    /// <summary>Enters an instruction all of whose forms have one binder.</summary>
    internal void Add(Mnemonic mnemonic, delegate*<ref Operands, void> binder) => _byMnemonic[(int)mnemonic] = (nint)binder;

    /// <summary>Enters one form that its mnemonic's binder does not cover.</summary>
    internal void Add(Code code, delegate*<ref Operands, void> binder) => _byCode[code] = (nint)binder;

    /// <summary>Whose processor it is.</summary>
    internal CpuVendor Vendor => _model.Vendor;

    /// <summary>Whether the decoder is to take UD2 with "xen" behind it for a prefix.</summary>
    internal bool HasForcedEmulation => _model.HasForcedEmulation;

    /// <summary>How the decoder is to take what features gave another meaning.</summary>
    internal DecoderOptions DecoderOptions => _model.DecoderOptions;

    /// <summary>True where the instruction has an implementation.</summary>
    public bool Implements(Code code) => Find(code) != null;

    /// <summary>Gives an op its handler and operands.</summary>
    internal void Bind(ref Operands operands)
    {
        var code = operands.Instruction.Code;
        var binder = (delegate*<ref Operands, void>)_resolved[(int)code];
        if (binder == null)
            binder = Resolve(code);
        binder(ref operands);
    }

    private delegate*<ref Operands, void> Resolve(Code code)
    {
        var binder = code == Code.INVALID || !_model.Supports(code) ? &Undefined.BindInvalid : Find(code);
        if (binder == null)
            binder = &Undefined.BindUnsupported;
        _resolved[(int)code] = (nint)binder;
        return binder;
    }

    private delegate*<ref Operands, void> Find(Code code)
    {
        if (_late != 0)
            EnterLateFamilies(code);
        var binder = FindEntered(code);
        if (binder != null || _late == 0)
            return binder;
        Enter(_late);
        return FindEntered(code);
    }

    private delegate*<ref Operands, void> FindEntered(Code code) =>
        _byCode.Count != 0 && _byCode.TryGetValue(code, out var binder)
            ? (delegate*<ref Operands, void>)binder
            : (delegate*<ref Operands, void>)_byMnemonic[(int)code.Mnemonic()];

    private void EnterLateFamilies(Code code)
    {
        foreach (var feature in code.CpuidFeatures())
        {
            var family = LateFamilyOf(feature);
            // FNINIT and its kin are entered from the start.
            if (family != LateFamilies.X87 || _byMnemonic[(int)code.Mnemonic()] == 0)
                Enter(family);
        }
    }

    private void Enter(LateFamilies families)
    {
        families &= _late;
        _late &= ~families;
        if ((families & LateFamilies.X87) != 0)
            X87Family.Register(this);
        if ((families & LateFamilies.Sse) != 0)
            VectorFamily.Register(this);
        if ((families & LateFamilies.Avx) != 0)
            VectorFamily.RegisterVex(this);
    }

    // What is not named here costs the other families' time when it is met first, no more.
    private static LateFamilies LateFamilyOf(CpuidFeature feature) => feature switch
    {
        CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387 => LateFamilies.X87,
        CpuidFeature.MMX or CpuidFeature.SSE or CpuidFeature.SSE2 or CpuidFeature.SSE3 or CpuidFeature.SSSE3 or CpuidFeature.SSE4_1
            or CpuidFeature.SSE4_2 or CpuidFeature.SSE4A or CpuidFeature.GFNI or CpuidFeature.AES
            or CpuidFeature.PCLMULQDQ or CpuidFeature.SHA => LateFamilies.Sse,
        CpuidFeature.AVX or CpuidFeature.AVX2 or CpuidFeature.FMA or CpuidFeature.F16C or CpuidFeature.VAES
            or CpuidFeature.VPCLMULQDQ or CpuidFeature.AVX_VNNI => LateFamilies.Avx,
        _ => 0,
    };

    // Large families cost milliseconds to enter, for the runtime loads a type for each form: it is done when the first is met.
    [Flags]
    private enum LateFamilies : byte
    {
        X87 = 1,
        Sse = 2,
        Avx = 4,
    }
}
