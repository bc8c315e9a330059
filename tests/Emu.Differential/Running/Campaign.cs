using System.Diagnostics;
using Emu.Cpu;
using Emu.Differential.Comparison;
using Emu.Differential.Emulated;
using Emu.Differential.Generation;
using Emu.Differential.Native;
using Iced.Intel;

namespace Emu.Differential.Running;

/// <summary>Draws programs and states, runs them on every engine, and compares.</summary>
/// <remarks>A program's randomness follows from the seed and its number alone, so that a case is found again whatever came before.</remarks>
public sealed class Campaign : IDisposable
{
    private const ulong ReadOnlySeed = 0x5EED;
    private const int FillAttempts = 4;
    private const int Repetitions = 3;

    private readonly CampaignOptions _options;
    private readonly Randomness _random = new(0);
    private readonly ProgramGenerator _programs;
    private readonly StateGenerator _states;
    private readonly IExecutor _reference;
    private readonly List<IExecutor> _engines = [];
    private readonly byte[] _before = new byte[Layout.DataLength];
    private readonly (CodeSize Size, Code[] Codes)[] _sizes;
    private readonly HashSet<Code> _failed = [];
    private bool _steps, _isRepetition;

    /// <summary>Makes ready.</summary>
    /// <exception cref="NotSupportedException">An engine is not there; the message says why.</exception>
    public Campaign(CampaignOptions options)
    {
        _options = options;
        var vendor = NativeExecutor.Vendor;
        var model = new CpuModel(vendor);
        Catalogue = new CodeCatalogue(model, options.Filter, options.IsSystem);
        _programs = new ProgramGenerator(_random, Catalogue, model);
        _states = new StateGenerator(_random);
        var made = options.Engines.Select(name => Make(name, vendor, options.IsSystem)).ToList();
        _reference = made[0];
        _engines = made[1..];
        var hasSegments = made.OfType<NativeExecutor>().All(static native => native.HasLocalSegments);
        _sizes = [.. options.Sizes.Where(size => hasSegments || size == CodeSize.Bits64)
            .Select(size => (size, Shuffled(Catalogue.For(size)))).Where(static pair => pair.Item2.Length > 0)];
        if (!hasSegments)
            Summary.Skipped.Add("16- and 32-bit code: the host's kernel refuses local segments");
        _random.Restart(ReadOnlySeed);
        var readOnly = new byte[Layout.ReadOnlyLength];
        _states.FillData(readOnly);
        _reference.FillReadOnly(readOnly);
        foreach (var engine in _engines)
            engine.FillReadOnly(readOnly);
    }

    /// <summary>What is drawn from.</summary>
    public CodeCatalogue Catalogue { get; }

    /// <summary>Regions that the compiling engines have compiled.</summary>
    public int RegionCount => _engines.OfType<EmulatedExecutor>().Sum(static engine => engine.RegionCount);

    /// <summary>What has been done.</summary>
    public Summary Summary { get; } = new();

    /// <summary>Runs to the count, or to the last failure that is wanted.</summary>
    /// <param name="progress">Hears of executions now and then.</param>
    public List<Mismatch> Run(Action<Summary>? progress = null)
    {
        var failures = new List<Mismatch>();
        var state = new MachineState();
        var lastReport = Stopwatch.GetTimestamp();
        for (var number = 0UL; Summary.Executions < _options.Count && _sizes.Length > 0; number++)
        {
            _random.Restart(_options.Seed * 0x9E37_79B9_7F4A_7C15 + number);
            // 64-bit code half of the time.
            var (size, codes) = _sizes[number % 2 == 0 ? 0 : (int)(number / 2 % (ulong)_sizes.Length)];
            var main = codes[number / 2 % (ulong)codes.Length];
            if (_programs.TryMake(size, main) is not { } program)
            {
                Summary.Refused++;
                if (Summary.Refused > 1000 && Summary.Executions == 0)
                    break;
                continue;
            }
            // Stepping costs most and differs least: a quarter of the programs.
            _steps = number % 4 == 0;
            if (RunProgram(program, ref state) is { } mismatch && _failed.Add(Guilty(mismatch)))
            {
                failures.Add(mismatch);
                if (failures.Count >= _options.Failures)
                    break;
            }
            if (progress != null && number % 64 == 0 && Stopwatch.GetElapsedTime(lastReport).TotalSeconds > 10)
            {
                lastReport = Stopwatch.GetTimestamp();
                progress(Summary);
            }
        }
        return failures;
    }

    /// <summary>Runs a program from one state on every engine.</summary>
    /// <returns>The first mismatch, or null.</returns>
    public Mismatch? Try(GeneratedProgram program, in MachineState before, ReadOnlySpan<byte> data)
    {
        _reference.Load(program.Program);
        foreach (var engine in _engines)
            engine.Load(program.Program);
        _steps = true;
        data.CopyTo(_before);
        data.CopyTo(_reference.Data);
        return Compare(program, in before, out _);
    }

    public void Dispose()
    {
        _reference.Dispose();
        foreach (var engine in _engines)
            engine.Dispose();
    }

    private Mismatch? RunProgram(GeneratedProgram program, ref MachineState state)
    {
        _reference.Load(program.Program);
        foreach (var engine in _engines)
            engine.Load(program.Program);
        _states.FillData(_reference.Data);
        _states.FillAll(ref state);
        for (var i = 0; i < _options.States; i++)
        {
            var filled = false;
            for (var attempt = 0; attempt < FillAttempts && !filled; attempt++)
                filled = _states.TryFill(program, ref state, _reference.Data);
            if (!filled)
            {
                Summary.Refused++;
                return null;
            }
            _reference.Data.CopyTo(_before);
            var mismatch = Compare(program, in state, out var vector);
            Summary.Count(program, vector);
            if (mismatch != null)
                return mismatch;
        }
        return null;
    }

    private Mismatch? Compare(GeneratedProgram program, in MachineState before, out int vector)
    {
        var native = before;
        _reference.Execute(ref native);
        vector = native.Vector;
        foreach (var engine in _engines)
        {
            if (!_steps && engine is EmulatedExecutor { IsStepped: true } && _engines.Count > 1)
                continue;
            _before.CopyTo(engine.Data);
            var ours = before;
            engine.Execute(ref ours);
            _options.Tamper?.Invoke(program.Program, in before, ref ours);
            if (Comparer.Agree(program, in before, ref ours, in native, engine.Data, _reference.Data) && engine.AgreesOnSystem(_reference))
                continue;
            if (program.Program.IsAstray(ours.Rip) && program.Program.IsAstray(native.Rip))
                Summary.Astray++;
            else
                return Again(program, in before) ? null
                    : new Mismatch(program, before, [.. _before], engine.Name, _reference.Name, ours, native, [.. engine.Data], [.. _reference.Data]);
        }
        return null;
    }

    // The host's kernel may have come between: a switch of tasks loses the x87 pointers that AMD's processors hide. What is wrong stays wrong.
    private bool Again(GeneratedProgram program, in MachineState before)
    {
        if (_isRepetition)
            return false;
        _isRepetition = true;
        for (var i = 0; i < Repetitions; i++)
        {
            _before.CopyTo(_reference.Data);
            if (Compare(program, in before, out _) != null)
                continue;
            _isRepetition = false;
            Summary.Unrepeated++;
            return true;
        }
        _isRepetition = false;
        return false;
    }

    private static Code Guilty(Mismatch mismatch)
    {
        var facts = mismatch.Program.Facts;
        return facts[^1].Instruction.Code;
    }

    private static IExecutor Make(string name, CpuVendor vendor, bool isSystem) => name switch
    {
        "native" when isSystem => throw new NotSupportedException("no host runs programs at CPL 0: --mode system compares interpreter, stepped and jit"),
        "native" => NativeExecutor.TryCreate(out var reason) ?? throw new NotSupportedException("native execution " + reason),
        "interpreter" => new EmulatedExecutor(vendor, isSystem: isSystem),
        "stepped" => new EmulatedExecutor(vendor, singleSteps: true, isSystem),
        "jit" => new EmulatedExecutor(vendor, isSystem: isSystem, compiles: true),
        _ => throw new NotSupportedException($"there is no engine \"{name}\": native, interpreter, stepped or jit"),
    };

    private Code[] Shuffled(Code[] codes)
    {
        _random.Restart(_options.Seed);
        for (var i = codes.Length - 1; i > 0; i--)
        {
            var other = _random.Below(i + 1);
            (codes[i], codes[other]) = (codes[other], codes[i]);
        }
        return codes;
    }
}
