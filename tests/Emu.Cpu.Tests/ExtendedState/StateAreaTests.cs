using Emu.Cpu.State;
using Emu.Cpu.Tests.Vector;
using Xunit;

namespace Emu.Cpu.Tests.ExtendedState;

/// <summary>FXSAVE, FXRSTOR, XSAVE and XRSTOR against the host's processor, byte by byte where processors agree.</summary>
[Collection("Host processor")]
public sealed unsafe class StateAreaTests
{
    private const int AreaBytes = 832;
    private const int HeaderAt = 512;
    private const int Rounds = 300;

    private static readonly byte[] Fxsave64 = [0x48, 0x0F, 0xAE, 0x07];
    private static readonly byte[] Fxrstor64 = [0x48, 0x0F, 0xAE, 0x0F];
    private static readonly byte[] Fxrstor = [0x0F, 0xAE, 0x0F];
    private static readonly byte[] Xsave64 = [0x48, 0x0F, 0xAE, 0x27];
    private static readonly byte[] Xrstor64 = [0x48, 0x0F, 0xAE, 0x2F];

    [SkippableFact]
    public void Fxsave_writes_what_the_host_writes()
    {
        using var differential = new HostComparison { Unmasks = false };
        var random = new Random(1);
        for (var round = 0; round < Rounds; round++)
        {
            differential.Displacement = random.Next(2) * (4096 - 128);
            differential.Randomize(random);
            differential.Run(Fxsave64);
            var host = differential.HostOperand(5120)[differential.Displacement..][..512];
            var machine = differential.Machine.OperandBytes(5120)[differential.Displacement..][..512];
            // MXCSR_MASK names what a processor has; the last instruction's pointers differ among them.
            machine[6..24].CopyTo(host[6..]);
            machine[28..32].CopyTo(host[28..]);
            Assert.Equal(Convert.ToHexString(host), Convert.ToHexString(machine));
            Assert.Equal(0xFFFFu, BitConverter.ToUInt32(machine[28..]));
        }
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fxrstor_loads_what_the_host_loads(bool wide)
    {
        using var differential = new HostComparison();
        var random = new Random(2);
        for (var round = 0; round < Rounds; round++)
        {
            differential.Displacement = random.Next(2) * (4096 - 128);
            differential.Randomize(random);
            // What another state looks like: that of the round's random registers.
            var image = new Span<byte>(differential.State->Before, 512).ToArray();
            differential.Randomize(random);
            if (random.Next(20) == 0)
                image[26] = 0xF0;
            differential.SetOperand(image);
            if (differential.Run(wide ? Fxrstor64 : Fxrstor) is { } difference)
                Assert.Fail(difference);
        }
    }

    [SkippableFact]
    public void Xrstor_loads_what_the_host_loads()
    {
        Skip.IfNot(HostProcessor.HasAvx, "needs a host with XSAVE and AVX");
        using var differential = new HostComparison { WithUpper = true };
        var random = new Random(3);
        for (var round = 0; round < Rounds * 3; round++)
        {
            differential.Displacement = random.Next(10) == 0 ? 8 : random.Next(2) * (4096 - 128);
            differential.Randomize(random);
            var image = new byte[AreaBytes];
            new Span<byte>(differential.State->Before, 512).CopyTo(image);
            image[HeaderAt] = (byte)random.Next(8);
            for (var i = 576; i < AreaBytes; i += 8)
                BitConverter.TryWriteBytes(image.AsSpan(i), HostComparison.Random64(random));
            switch (random.Next(12))
            {
                case 0:
                    image[HeaderAt + 8 + random.Next(56)] = 1;
                    break;
                case 1:
                    image[HeaderAt + 15] = 0x80;
                    image[HeaderAt + 8] = (byte)random.Next(8);
                    break;
                case 2:
                    image[26] = 0xF0;
                    break;
            }
            differential.Randomize(random);
            differential.SetOperand(image);
            differential.State->GeneralBefore[0] = (ulong)random.Next(8);
            differential.State->GeneralBefore[2] = 0;
            if (differential.Run(Xrstor64) is { } difference)
                Assert.Fail($"header {Convert.ToHexString(image.AsSpan(HeaderAt, 24))} request {differential.State->GeneralBefore[0]} at {differential.Displacement} mxcsr {Convert.ToHexString(image.AsSpan(24, 4))}: {difference}");
        }
    }

    [SkippableFact]
    public void Xsave_writes_the_requested_components_and_leaves_the_rest()
    {
        Skip.IfNot(HostProcessor.HasAvx, "needs a host with XSAVE and AVX");
        using var differential = new HostComparison { Unmasks = false, WithUpper = true };
        var random = new Random(4);
        for (var round = 0; round < Rounds; round++)
        {
            differential.Displacement = random.Next(2) * (4096 - 128);
            differential.Randomize(random);
            var before = new byte[AreaBytes];
            random.NextBytes(before);
            before.AsSpan(HeaderAt, 64).Clear();
            differential.SetOperand(before);
            differential.State->GeneralBefore[0] = (ulong)random.Next(8);
            differential.State->GeneralBefore[2] = 0;
            differential.Run(Xsave64);
            var host = differential.HostOperand(5120)[differential.Displacement..][..AreaBytes];
            var machine = differential.Machine.OperandBytes(5120)[differential.Displacement..][..AreaBytes];
            if (differential.State->GeneralBefore[0] % 2 != 0)
                machine[6..24].CopyTo(host[6..]);
            machine[28..32].CopyTo(host[28..]);
            Assert.Equal(Convert.ToHexString(host), Convert.ToHexString(machine));
        }
    }

    [Fact]
    public void Xsaveopt_does_not_write_what_is_in_its_initial_configuration()
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->X87 = new X87State { Control = 0x37F };
        s->Mxcsr = 0x1F80;
        s->Vectors[0] = 42;
        s->Registers[0] = 7;
        s->Registers[2] = 0;
        s->Registers[7] = SingleInstruction.OperandAddress;
        machine.OperandBytes(AreaBytes).Fill(0xAA);
        machine.OperandBytes(AreaBytes)[HeaderAt..(HeaderAt + 64)].Clear();
        Assert.Equal(-1, machine.Execute([0x48, 0x0F, 0xAE, 0x37]));
        var area = machine.OperandBytes(AreaBytes);
        Assert.Equal(2, area[HeaderAt]);
        Assert.Equal(0xAA, area[0]);
        Assert.Equal(42, area[160]);
        Assert.Equal(0xAA, area[576]);
    }

    [Fact]
    public void Xsavec_names_its_format_and_its_components()
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->X87 = new X87State { Control = 0x37F };
        s->Mxcsr = 0x1F80;
        s->Vectors[2] = 42;
        s->Registers[0] = 7;
        s->Registers[2] = 0;
        s->Registers[7] = SingleInstruction.OperandAddress;
        machine.OperandBytes(AreaBytes).Fill(0xAA);
        Assert.Equal(-1, machine.Execute([0x48, 0x0F, 0xC7, 0x27]));
        var area = machine.OperandBytes(AreaBytes);
        Assert.Equal(4ul, BitConverter.ToUInt64(area[HeaderAt..]));
        Assert.Equal(0x8000_0000_0000_0007ul, BitConverter.ToUInt64(area[(HeaderAt + 8)..]));
        Assert.Equal(42, area[576]);
    }
}
