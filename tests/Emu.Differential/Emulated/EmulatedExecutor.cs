using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Compilation;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;

namespace Emu.Differential.Emulated;

/// <summary>One of the emulator's engines: user mode under paging, with the segments and the memory that the native executor has.</summary>
/// <remarks>
/// Physical memory: tables from 0x1000, then the pages of <see cref="Layout"/>. Every exception stops the run before its handler
/// executes; a landing is a UD2.
/// </remarks>
public sealed unsafe class EmulatedExecutor : IExecutor
{
    private const ulong RamBytes = 0x4_0000;
    private const ulong Idt = 0x1000, Gdt = 0x2000, Ldt = 0x2800, Tss = 0x3000, Stack = 0x5000, Handler = 0x6000;
    private const ulong Pml4 = 0x8000, Pdpt = 0x9000, PageDirectory = 0xA000, PageTable = 0xB000;
    private const ulong CodePages = 0x2_0000, DataPages = 0x2_2000, ReadOnlyPage = 0x2_4000;

    // Supervisor pages: the machine's own tables, where no generated address reaches.
    private const ulong SystemLinear = 0xFFFF_8000_0000_0000;
    private const ulong Present = 1, Writable = 2, User = 4, NoExecute = 1UL << 63;
    private const ulong InstructionLimit = 200_000;

    private readonly byte* _ram;
    private readonly PhysicalMemory _memory;
    private readonly BlockCache _blocks;
    private readonly Platform _platform;
    private readonly Vcpu _vcpu;
    private readonly bool _singleSteps, _isSystem;
    private readonly TieredCompiler? _compiler;
    private readonly SegmentRegister[] _segments = new SegmentRegister[0x60];

    // The machine's tables as they are at the start.
    private readonly byte[] _tables;
    private TestProgram? _program;

    /// <summary>Makes an engine.</summary>
    /// <param name="vendor">Whose processor it is.</param>
    /// <param name="singleSteps">Leave the run loop after each instruction.</param>
    /// <param name="isSystem">Run at CPL 0, and begin each run with a machine as after its making.</param>
    /// <param name="compiles">
    /// Compile: from a program's third state on, for the first one shows the interpreter its blocks and the second one makes them hot.
    /// </param>
    public EmulatedExecutor(CpuVendor vendor, bool singleSteps = false, bool isSystem = false, bool compiles = false)
    {
        _singleSteps = singleSteps;
        _isSystem = isSystem;
        _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, (int)RamBytes).Clear();
        _memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        _blocks = new BlockCache(_memory, 1 << 20);
        _platform = new Platform(isSystem);
        var model = new CpuModel(vendor);
        _vcpu = new Vcpu(new VcpuOptions
        {
            Memory = _memory,
            Blocks = _blocks,
            Ports = _platform,
            Mmio = _platform,
            Interrupts = _platform,
            Observer = _platform,
            Model = model,
        });
        if (compiles)
            _compiler = new TieredCompiler(_blocks, _memory, model, TieringLimits.Immediate);
        for (var selector = 0; selector < _segments.Length; selector++)
        {
            if ((selector & ~3) == 0 || ((selector & 4) != 0 ? selector >> 3 < Segments.Local.Length : selector >> 3 < Segments.Global.Length))
                _segments[selector] = Segments.Load((ushort)selector);
        }
        new Span<byte>(_ram + CodePages, Layout.CodeLength).Fill(0xCC);
        WriteTables();
        _tables = new ReadOnlySpan<byte>(_ram, (int)CodePages).ToArray();
        Start();
    }

    /// <inheritdoc/>
    public string Name => _singleSteps ? "stepped" : _compiler != null ? "jit" : "interpreter";

    /// <inheritdoc/>
    public Span<byte> Data => new(_ram + DataPages, Layout.DataLength);

    /// <summary>Whether it leaves the run loop after each instruction.</summary>
    public bool IsStepped => _singleSteps;

    /// <summary>Regions compiled so far.</summary>
    public int RegionCount => _compiler?.RegionCount ?? 0;

    /// <summary>What the engine met that it does not implement, or null.</summary>
    public string? Unsupported => _platform.Missing;

    /// <inheritdoc/>
    public void FillReadOnly(ReadOnlySpan<byte> content) => content.CopyTo(new Span<byte>(_ram + ReadOnlyPage, Layout.ReadOnlyLength));

    /// <inheritdoc/>
    public void Load(TestProgram program)
    {
        _program = program;
        WriteCode(program.Start, program.Bytes);
        ReadOnlySpan<byte> undefined = [0x0F, 0x0B];
        foreach (var landing in program.Landings)
            WriteCode(landing, undefined);
    }

    /// <inheritdoc/>
    public void Execute(ref MachineState state)
    {
        _platform.Captured = false;
        Enter(in state);
        var retired = _vcpu.InstructionsRetired;
        var limit = retired + InstructionLimit;
        if (_singleSteps)
        {
            while (!_platform.Captured && _vcpu.InstructionsRetired < limit && _vcpu.Run(_vcpu.InstructionsRetired + 1) == RunExit.LimitReached)
            {
            }
        }
        else
        {
            _vcpu.Run(limit);
        }
        if (!_platform.Captured)
        {
            _platform.Capture(_vcpu);
            _platform.State.Vector = MachineState.Endless;
        }
        state = _platform.State;
        if (state.Vector == ExceptionVector.PageFault)
            state.Cr2 = _vcpu.State->Cr2;
        if (state.Vector == ExceptionVector.InvalidOpcode && IsLanding(state.Rip))
            state.Vector = MachineState.NoVector;
    }

    /// <inheritdoc/>
    public bool AgreesOnSystem(IExecutor other)
    {
        if (!_isSystem || other is not EmulatedExecutor engine)
            return true;
        var a = _vcpu.State;
        var b = engine._vcpu.State;
        return _vcpu.InstructionsRetired == engine._vcpu.InstructionsRetired && a->Rip == b->Rip && a->Cpl == b->Cpl
            && _vcpu.RflagsImage == engine._vcpu.RflagsImage
            && a->Cr0 == b->Cr0 && a->Cr2 == b->Cr2 && a->Cr3 == b->Cr3 && a->Cr4 == b->Cr4 && a->Efer == b->Efer && a->Xcr0 == b->Xcr0
            && (a->Pkru, a->Pkrs, a->RandomState, a->TimeStampOffset) == (b->Pkru, b->Pkrs, b->RandomState, b->TimeStampOffset)
            && (a->Gdtr.Base, a->Gdtr.Limit, a->Idtr.Base, a->Idtr.Limit) == (b->Gdtr.Base, b->Gdtr.Limit, b->Idtr.Base, b->Idtr.Limit)
            && Same(a->DebugRegisters, b->DebugRegisters, 64) && Same(&a->Segments, &b->Segments, sizeof(SegmentRegisters))
            && Same(&a->Msr, &b->Msr, sizeof(ModelSpecificRegisters)) && Same(_ram, engine._ram, (int)CodePages);
    }

    private static bool Same(void* a, void* b, int length) => new ReadOnlySpan<byte>(a, length).SequenceEqual(new ReadOnlySpan<byte>(b, length));

    public void Dispose()
    {
        _vcpu.Dispose();
        _compiler?.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    private bool IsLanding(ulong rip)
    {
        foreach (var landing in _program!.Landings)
        {
            if (landing - _program.SegmentBase == rip)
                return true;
        }
        return false;
    }

    private void WriteCode(ulong linear, ReadOnlySpan<byte> bytes)
    {
        var physical = CodePages + (linear - Layout.Code);
        for (var done = 0; done < bytes.Length;)
        {
            var piece = (int)Math.Min((ulong)(bytes.Length - done), PhysicalMemory.PageSize - (physical + (ulong)done) % PhysicalMemory.PageSize);
            _blocks.Invalidate(physical + (ulong)done, piece);
            bytes.Slice(done, piece).CopyTo(new Span<byte>(_ram + physical + done, piece));
            done += piece;
        }
    }

    private void Enter(in MachineState state)
    {
        if (_isSystem)
            StartAgain();
        var s = _vcpu.State;
        for (var i = 0; i < 16; i++)
            s->Registers[i] = state.Registers[i];
        _vcpu.SetRflags(state.Flags);
        for (var name = 0; name < 6; name++)
            s->Segments[name] = _segments[state.Selectors[name]];
        s->Segments[(int)SegmentName.Cs] = _segments[
            _isSystem ? Segments.SystemCode(_program!.Size) : Native.NativeExecutor.CodeSelector(_program!.Size)];
        if (_isSystem)
            s->Segments[(int)SegmentName.Ss] = _segments[Segments.SystemStack(_program.Size)];
        if (_program!.Size == CodeSize.Bits64)
        {
            s->Segments[(int)SegmentName.Fs].Base = state.FsBase;
            s->Segments[(int)SegmentName.Gs].Base = state.GsBase;
        }
        s->Cpl = _isSystem ? 0u : 3;
        s->Rip = _program.Start - _program.SegmentBase;
        fixed (byte* image = state.Xsave)
            StateImage.Load(s, image);
        s->Pending = PendingEvents.None;
        _vcpu.UpdateMode();
    }

    private void StartAgain()
    {
        var tables = new Span<byte>(_ram, (int)CodePages);
        if (!tables.SequenceEqual(_tables))
        {
            _tables.CopyTo(tables);
            _blocks.Flush();
        }
        Start();
    }

    private void Start()
    {
        _vcpu.Reset();
        var s = _vcpu.State;
        s->Cr0 = Cr0.Pe | Cr0.Mp | Cr0.Et | Cr0.Ne | Cr0.Wp | Cr0.Am | Cr0.Pg;
        s->Cr3 = Pml4;
        s->Cr4 = Cr4.Pae | Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave | Cr4.Fsgsbase | Cr4.Umip | Cr4.De;
        s->Efer = Efer.Sce | Efer.Lme | Efer.Lma | Efer.Nxe;
        s->Xcr0 = 7;
        s->Gdtr = new DescriptorTableRegister { Base = SystemLinear + Gdt, Limit = 0x7F };
        s->Idtr = new DescriptorTableRegister { Base = SystemLinear + Idt, Limit = 0xFFF };
        s->Segments[(int)SegmentName.Tr] = new SegmentRegister
        {
            Base = SystemLinear + Tss,
            Limit = 0x67,
            Selector = 0x60,
            Attributes = (SegmentAttributes)0x8B,
        };
        s->Segments[(int)SegmentName.Ldtr] = new SegmentRegister
        {
            Base = SystemLinear + Ldt,
            Limit = (uint)Segments.Local.Length * 8 - 1,
            Selector = 0x70,
            Attributes = (SegmentAttributes)0x82,
        };
        _vcpu.StateChanged();
    }

    private void WriteTables()
    {
        var q = (ulong*)_ram;
        for (var i = 0; i < Segments.Global.Length; i++)
            q[(int)Gdt / 8 + i] = Segments.Global[i];
        for (var i = 0; i < Segments.Local.Length; i++)
            q[(int)Ldt / 8 + i] = Segments.Local[i].Descriptor;
        // Every gate may be used by INT3 and INTO; what it leads to is not executed.
        const ulong Target = SystemLinear + Handler;
        for (var vector = 0; vector < 256; vector++)
        {
            q[(int)Idt / 8 + vector * 2] = (Target & 0xFFFF) | 0x10UL << 16 | 0xEEUL << 40 | ((Target >> 16) & 0xFFFF) << 48;
            q[(int)Idt / 8 + vector * 2 + 1] = Target >> 32;
        }
        *(ulong*)(_ram + Tss + 4) = SystemLinear + Stack + 0xFF0;
        *(ushort*)(_ram + Tss + 0x66) = 0x68;

        q[Pml4 / 8] = Pdpt | Present | Writable | User;
        q[Pdpt / 8] = PageDirectory | Present | Writable | User;
        q[PageDirectory / 8 + (Layout.Base >> 21)] = PageTable | Present | Writable | User;
        Map(Layout.Code, CodePages, Layout.CodeLength, Present | Writable | User);
        Map(Layout.Data, DataPages, Layout.DataLength, Present | Writable | User | NoExecute);
        Map(Layout.ReadOnly, ReadOnlyPage, Layout.ReadOnlyLength, Present | User | NoExecute);
        q[Pml4 / 8 + 256] = (Pdpt + 0x4000) | Present | Writable;
        q[(Pdpt + 0x4000) / 8] = (Pdpt + 0x5000) | Present | Writable;
        q[(Pdpt + 0x5000) / 8] = (Pdpt + 0x6000) | Present | Writable;
        for (var page = 0UL; page < 8; page++)
            q[(Pdpt + 0x6000) / 8 + page] = page * PhysicalMemory.PageSize | Present | Writable;
    }

    private void Map(ulong linear, ulong physical, int length, ulong rights)
    {
        var table = (ulong*)(_ram + PageTable);
        for (var done = 0UL; done < (ulong)length; done += PhysicalMemory.PageSize)
            table[((linear + done) >> 12) & 511] = (physical + done) | rights | 0x60;
    }

    private sealed class Platform(bool isSystem) : EmptyPlatform
    {
        public MachineState State;

        public bool Captured { get; set; }

        public string? Missing { get; private set; }

        public override void Unsupported(Vcpu vcpu, string what) => Missing ??= what;

        public override void Delivering(Vcpu vcpu, in EventInFlight delivered)
        {
            vcpu.RequestStop();
            if (Captured)
                return;
            Capture(vcpu);
            State.Rip = delivered.Rip;
            State.Vector = delivered.Vector;
            State.ErrorCode = delivered.HasErrorCode ? delivered.ErrorCode : 0;
            if (vcpu.State->Cpl == 0 && !isSystem)
                TakeFrame(vcpu);
        }

        // A software exception is announced once it has been delivered: what it interrupted lies on the handler's stack.
        private void TakeFrame(Vcpu vcpu)
        {
            var frame = (ulong*)vcpu.Memory.HostAddress(vcpu.State->Registers[4] - SystemLinear);
            State.Selectors[(int)SegmentName.Cs] = (ushort)frame[1];
            State.Flags = frame[2];
            State.Registers[4] = frame[3];
            State.Selectors[(int)SegmentName.Ss] = (ushort)frame[4];
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Capture(Vcpu vcpu)
        {
            Captured = true;
            var s = vcpu.State;
            for (var i = 0; i < 16; i++)
                State.Registers[i] = s->Registers[i];
            State.Flags = vcpu.RflagsImage & ~Rflags.Resume;
            State.Rip = s->Rip;
            for (var name = 0; name < 6; name++)
                State.Selectors[name] = s->Segments[name].Selector;
            State.FsBase = s->Segments[(int)SegmentName.Fs].Base;
            State.GsBase = s->Segments[(int)SegmentName.Gs].Base;
            State.Vector = MachineState.NoVector;
            State.ErrorCode = 0;
            State.Cr2 = 0;
            fixed (byte* image = State.Xsave)
                StateImage.Store(s, image);
        }
    }
}
