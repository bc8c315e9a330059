using Emu.Cpu.State;
using Emu.Cpu.Tests.Instructions.Native;
using Emu.Differential.Comparison;
using Iced.Intel;
using Xunit;
using Xunit.Abstractions;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>Executes the same instructions with the same registers, flags and memory here and on the host's processor.</summary>
[Collection(nameof(NativeDifferentialTests))]
public sealed unsafe class NativeDifferentialTests(ITestOutputHelper output)
{
    private const int Seed = 20_261_121;
    private const int EncodingsPerForm = 24;
    private const int StatesPerEncoding = 20;

    // What has no effect to compare, faults by design, is random, or takes an address from rAX.
    private static readonly HashSet<Mnemonic> Excluded =
    [
        Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Ud2, Mnemonic.Nop, Mnemonic.Reservednop, Mnemonic.Prefetchwt1, Mnemonic.Rdrand, Mnemonic.Rdseed, Mnemonic.Clzero,
    ];

    [SkippableFact]
    public void Every_integer_form_does_what_the_host_does()
    {
        using var native = LinuxExecutor.TryCreate(out var reason);
        Skip.If(native == null, reason);

        using var fixture = new CpuFixture(CpuVendor.Amd);
        var random = new Random(Seed);
        var forms = new InstructionForms(random);
        random.NextBytes(native!.Data);
        native.Data.CopyTo(fixture.Ram(MachineState.DataAddress, MachineState.DataLength));
        var failures = new List<string>();
        var executions = 0;
        var codes = 0;
        foreach (var code in IntegerForms.All)
        {
            if (!CanCompare(code))
                continue;
            var before = executions;
            foreach (var memory in new[] { false, true })
            {
                for (var i = 0; i < EncodingsPerForm; i++)
                {
                    if (forms.TryEncode(code, memory, out var instruction) is not { } bytes)
                        continue;
                    for (var state = 0; state < StatesPerEncoding; state++)
                    {
                        if (Differs(fixture, native, forms, instruction, bytes) is { } difference)
                        {
                            failures.Add($"{code}: {instruction} [{Convert.ToHexString(bytes)}] {difference}");
                            i = EncodingsPerForm;
                            break;
                        }
                        executions++;
                    }
                }
            }
            if (executions > before)
                codes++;
        }
        output.WriteLine($"{executions} executions of {codes} forms");
        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
        Assert.True(executions >= 200_000, $"only {executions} executions");
    }

    private static bool CanCompare(Code code)
    {
        var info = code.ToOpCode();
        return info.Mode64 && !Excluded.Contains(code.Mnemonic()) && code.FlowControl() == FlowControl.Next && HostFeatures.Has(code);
    }

    // Null where both agree.
    private static string? Differs(CpuFixture fixture, INativeExecutor native, InstructionForms forms, in Instruction instruction, byte[] bytes)
    {
        var state = new MachineState();
        forms.Fill(instruction, ref state);
        var start = state;
        var s = fixture.State;
        for (var i = 0; i < 16; i++)
            s->Registers[i] = state.Registers[i];
        fixture.Flags = state.Flags;
        fixture.Load(bytes);
        var vector = fixture.Run(1);
        while (vector < 0 && s->Rip == CpuFixture.Code)
            vector = fixture.Run(1);
        if (vector >= 0)
        {
            var divides = instruction.Mnemonic is Mnemonic.Div or Mnemonic.Idiv && vector == ExceptionVector.DivideError;
            return divides ? null : $"raised exception {vector}";
        }

        native.Execute(bytes, ref state);
        var count = ShiftCount(instruction, start);
        var undefined = UndefinedFlags.After(instruction, count);
        var differences = new List<string>();
        if (!UndefinedFlags.ResultIsUndefined(instruction, count, (state.Flags & Rflags.Zero) != 0))
        {
            for (var i = 0; i < 16; i++)
            {
                if (state.Registers[i] != s->Registers[i])
                    differences.Add($"{Register.RAX + i} is {s->Registers[i]:x}, not {state.Registers[i]:x}");
            }
            if (!native.Data.SequenceEqual(fixture.Ram(MachineState.DataAddress, MachineState.DataLength)))
                differences.Add($"memory differs at {native.Data.CommonPrefixLength(fixture.Ram(MachineState.DataAddress, MachineState.DataLength)):x}");
        }
        // Whatever differed or was undefined, both go on from the same memory.
        native.Data.CopyTo(fixture.Ram(MachineState.DataAddress, MachineState.DataLength));
        if (((state.Flags ^ fixture.Flags) & (Rflags.Arithmetic | Rflags.Direction) & ~undefined) is var wrong && wrong != 0)
            differences.Add($"flags are {fixture.Flags:x}, not {state.Flags:x}");
        if (s->Rip != CpuFixture.Code + (ulong)bytes.Length)
            differences.Add($"RIP is {s->Rip:x}");
        return differences.Count == 0 ? null : string.Join(", ", differences) + "; before: " + Describe(start);
    }

    private static int ShiftCount(in Instruction instruction, in MachineState start)
    {
        var last = instruction.OpCount - 1;
        if (last < 1)
            return 0;
        var count = instruction.GetOpKind(last) == OpKind.Register ? (int)start.Registers[1]
            : instruction.GetOpKind(last) == OpKind.Immediate8 ? instruction.Immediate8 : 0;
        var wide = instruction.Op0Kind == OpKind.Register ? instruction.Op0Register.GetSize() == 8 : instruction.MemorySize.GetSize() == 8;
        return count & (wide ? 63 : 31);
    }

    private static string Describe(in MachineState state)
    {
        var text = $"flags {state.Flags:x}";
        for (var i = 0; i < 16; i++)
            text += $" {Register.RAX + i}={state.Registers[i]:x}";
        return text;
    }
}

/// <summary>The native test owns fixed addresses of the process: nothing else runs beside it.</summary>
[CollectionDefinition(nameof(NativeDifferentialTests), DisableParallelization = true)]
public sealed class NativeDifferentialCollection;
