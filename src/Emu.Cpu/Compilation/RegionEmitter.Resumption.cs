using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// Instructions whose uncommon case is left to their handler, after which the region goes on behind them.
internal sealed unsafe partial class RegionEmitter
{
    // The flags' words and kind, then the addresses of groups of accesses.
    private const int SavedKind = 16, SavedAddresses = 24;

    private const int MostFurtherTests = 8;

    private static readonly MethodInfo HostLike = GetterOf(nameof(SseContext.IsHostLike));
    private static readonly MethodInfo HostLikeAndInexact = GetterOf(nameof(SseContext.IsHostLikeAndInexact));

    private readonly List<Resumption> _resumptions = [];
    private LocalBuilder? _isHostLike, _isHostLikeIfExact;
    private byte* _saved;
    private int _furtherTests;

    private static MethodInfo GetterOf(string property) => typeof(SseContext).GetProperty(property, BindingFlags.Instance | BindingFlags.NonPublic)!.GetMethod!;

    /// <summary>Where the region goes on after an instruction that it left to its handler.</summary>
    /// <param name="Exit">Leads out to the handler.</param>
    /// <param name="Block">The instruction's block.</param>
    /// <param name="Behind">What follows the instruction.</param>
    /// <param name="Addresses">What compiled code still knows of the block's accesses, with the number of each.</param>
    /// <param name="Flags">The kind of the flags; null where the instruction writes them.</param>
    /// <param name="Remaining">Instructions of the block behind it.</param>
    private sealed record Resumption(Label Exit, RegionBlock Block, Label Behind, (LocalBuilder Address, int Number)[] Addresses, int? Flags, int Remaining);

    /// <summary>Leaves the region where the host's arithmetic is not the guest's (<see cref="SseContext.IsHostLikeAndInexact"/>).</summary>
    /// <remarks>Found out on entry: in a region only LDMXCSR changes what it depends on for the worse.</remarks>
    public void LeaveUnlessHostLike(Label exit)
    {
        LoadHostLike(evenIfExact: false);
        _il.Emit(OpCodes.Brfalse, exit);
    }

    /// <summary>Puts whether the host's arithmetic is the guest's on the stack.</summary>
    /// <param name="evenIfExact">With PE clear, too, so that it must not be set by what is exact.</param>
    public void LoadHostLike(bool evenIfExact)
    {
        if (evenIfExact)
            _il.Emit(OpCodes.Ldloc, _isHostLikeIfExact ??= _il.DeclareLocal(typeof(bool)));
        else
            _il.Emit(OpCodes.Ldloc, _isHostLike ??= _il.DeclareLocal(typeof(bool)));
    }

    /// <summary>
    /// Whether there is room for one more test of an uncommon result. RyuJIT inlines so much in a method and no more; the calls that then stay
    /// have cost nbody's loop twice its time.
    /// </summary>
    public bool MayTestFurther() => _furtherTests++ < MostFurtherTests;

    /// <summary>Emits something behind all blocks.</summary>
    /// <param name="label">What leads there.</param>
    /// <param name="emit">Emits it, ending with a jump.</param>
    public void EmitAside(Label label, Action emit) => _stubs.Add((label, emit));

    /// <summary>
    /// A label that has the current instruction done by its handler, as if it had no compiled form; then the region goes on where
    /// <see cref="Resume"/> is called. Nothing is live across that, so that the registers stay where they are on the way that is common.
    /// </summary>
    /// <param name="instruction">The instruction. It may not end its block.</param>
    /// <param name="op">Its op.</param>
    /// <param name="setsFlags">It writes the arithmetic flags.</param>
    public Label ExitToHandler(in GuestInstruction instruction, Op* op, bool setsFlags = false) =>
        ExitToHandler(in instruction, op, setsFlags, out _);

    /// <summary>The same, with the copy of the op that the handler gets.</summary>
    public Label ExitToHandler(in GuestInstruction instruction, Op* op, bool setsFlags, out Op* copy)
    {
        var exit = _il.DefineLabel();
        copy = CopyForResumption(in instruction, op, EntryCount + _resumptions.Count);
        var leave = LeaveFor(copy);
        var resumption = new Resumption(exit, _block, _il.DefineLabel(), _accesses.KnownAddresses(), setsFlags ? null : FlagKind, op->Remaining - 1);
        _resumptions.Add(resumption);
        _stubs.Add((exit, () =>
        {
            if (resumption.Flags is { } flags)
            {
                LoadSaved(0);
                _il.Emit(OpCodes.Ldloc, _flags);
                _il.Emit(OpCodes.Stobj, typeof(ArithmeticFlags));
                if (flags == DeferredFlags.Dynamic)
                {
                    LoadSaved(SavedKind);
                    _il.Emit(OpCodes.Ldloc, _kind);
                    _il.Emit(OpCodes.Stind_I4);
                }
            }
            foreach (var (address, number) in resumption.Addresses)
            {
                LoadSaved(SavedAddresses + number * sizeof(nint));
                _il.Emit(OpCodes.Ldloc, address);
                _il.Emit(OpCodes.Stind_I);
            }
            _il.Emit(OpCodes.Br, leave);
        }
        ));
        return exit;
    }

    /// <summary>The region goes on here after what the last label of ExitToHandler leads to.</summary>
    public void Resume()
    {
        var resumption = _resumptions[^1];
        _il.MarkLabel(resumption.Behind);
        if (resumption.Flags == null)
            FlagKind = DeferredFlags.WorkedOut;
    }

    /// <summary>Makes RIP what handlers find there: the address of the block.</summary>
    public void StoreRip()
    {
        LoadState(nameof(CpuState.Rip));
        LoadRip(0);
        _il.Emit(OpCodes.Stind_I8);
    }

    /// <summary>Puts an address on the stack.</summary>
    public void LoadPointer(void* pointer)
    {
        _il.Emit(OpCodes.Ldc_I8, (long)pointer);
        _il.Emit(OpCodes.Conv_I);
    }

    private int EntryCount => _blocks.Count(static block => block.IsEntry);

    // The handler gets a copy of its op that is followed by the way back.
    private Op* CopyForResumption(in GuestInstruction instruction, Op* op, int entry)
    {
        var copy = (Op*)_memory.Allocate((instruction.Ops + 1) * sizeof(Op));
        for (var i = 0; i < instruction.Ops; i++)
            copy[i] = op[i];
        // Compiled code finds the number of its entry in front of the op that it is called with.
        var block = (Block*)_memory.Allocate(sizeof(Block) + sizeof(Op));
        *block = new Block { Entry = (ushort)entry };
        *Block.Ops(block) = new Op { Immediate = (long)_memory.Code };
        copy[instruction.Ops] = new Op { Handler = &GoBack, Immediate = (long)Block.Ops(block) };
        return copy;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GoBack(Vcpu vcpu, CpuState* s, Op* op)
    {
        var entry = (Op*)op->Immediate;
        (*(delegate*<Vcpu, CpuState*, Op*, void>*)entry->Immediate)(vcpu, s, entry);
    }

    private Label LeaveFor(Op* copy)
    {
        var label = _il.DefineLabel();
        _exitStubs.Add((label, _exits.Count));
        _exits.Add(new RegionExit { Handler = copy->Handler, Op = copy, RipDelta = _block.Delta, Flags = (short)FlagKind, Remaining = copy->Remaining });
        return label;
    }

    private void AllocateSaved()
    {
        if (_resumptions.Count == 0)
            return;
        var addresses = _resumptions.Max(static one => one.Addresses.Length == 0 ? 0 : one.Addresses.Max(static pair => pair.Number) + 1);
        _saved = (byte*)_memory.Allocate(SavedAddresses + addresses * sizeof(nint));
    }

    // In the prologue, which has loaded the registers.
    private void EmitResumption(Resumption resumption)
    {
        if (resumption.Flags is { } flags)
        {
            LoadSaved(0);
            _il.Emit(OpCodes.Ldobj, typeof(ArithmeticFlags));
            _il.Emit(OpCodes.Stloc, _flags);
            if (flags == DeferredFlags.Dynamic)
            {
                LoadSaved(SavedKind);
                _il.Emit(OpCodes.Ldind_I4);
                _il.Emit(OpCodes.Stloc, _kind);
            }
        }
        foreach (var (address, number) in resumption.Addresses)
        {
            LoadSaved(SavedAddresses + number * sizeof(nint));
            _il.Emit(OpCodes.Ldind_I);
            _il.Emit(OpCodes.Stloc, address);
        }
        Charge(resumption.Remaining);
        MoveOrigin(resumption.Block);
        _il.Emit(OpCodes.Br, resumption.Behind);
    }

    private void NoteHostLike()
    {
        LoadSse();
        _il.Emit(OpCodes.Call, HostLikeAndInexact);
        _il.Emit(OpCodes.Stloc, _isHostLike ??= _il.DeclareLocal(typeof(bool)));
        LoadSse();
        _il.Emit(OpCodes.Call, HostLike);
        _il.Emit(OpCodes.Stloc, _isHostLikeIfExact ??= _il.DeclareLocal(typeof(bool)));
    }

    private void LoadSaved(int offset) => LoadPointer(_saved + offset);
}
