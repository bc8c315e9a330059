using System.Buffers.Binary;
using Emu.Cpu.State;
using Emu.Cpu.Tests.Instructions;
using Xunit;

namespace Emu.Cpu.Tests.Execution;

/// <summary>Instructions that reach a device from the middle of a block: at their exact time, and with all that the device does taken up before the next one.</summary>
public sealed unsafe class DeviceAccessTests
{
    private const ulong Tables = 0x10_0000;

    // nop; nop; the access; inc edx; inc edx.
    private const string Before = "9090", After = "FFC2FFC2";

    /// <summary>Accesses through EBX, and how often the device is asked.</summary>
    public static TheoryData<string, int, bool> Accesses
    {
        get
        {
            var data = new TheoryData<string, int, bool>();
            foreach (var (code, count) in new[]
            {
                ("8903", 1), // mov [ebx], eax
                ("C70344332211", 1), // mov dword [ebx], 0x11223344
                ("8B0B", 1), // mov ecx, [ebx]
                ("0FB60B", 1), // movzx ecx, byte [ebx]
                ("030B", 1), // add ecx, [ebx]
                ("8513", 1), // test [ebx], edx
                ("833B07", 1), // cmp dword [ebx], 7
                ("0103", 2), // add [ebx], eax
                ("8703", 2), // xchg [ebx], eax
                ("0FBA2B03", 2), // bts dword [ebx], 3
                ("FF33", 1), // push qword [ebx]
            })
            {
                data.Add(code, count, false);
                data.Add(code, count, true);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public void Device_is_accessed_once_at_the_time_of_the_instruction(string code, int count, bool paging)
    {
        using var cpu = Prepare(code, paging);
        var times = new List<ulong>();
        cpu.DeviceAccessed = () => times.Add(cpu.Vcpu.InstructionsRetired);
        var start = cpu.Vcpu.InstructionsRetired;
        Assert.Equal(-1, cpu.Run(5));
        Assert.Equal(Enumerable.Repeat(start + 2, count), times);
        Assert.Equal(2UL, cpu.State->Registers[2]);
        Assert.Equal(start + 5, cpu.Vcpu.InstructionsRetired);
        Assert.Equal(End(code), cpu.State->Rip);
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public void Run_that_the_device_limits_ends_after_the_instruction(string code, int count, bool paging)
    {
        using var cpu = Prepare(code, paging);
        cpu.DeviceAccessed = () => cpu.Vcpu.LimitRun(0);
        var start = cpu.Vcpu.InstructionsRetired;
        Assert.Equal(RunExit.LimitReached, cpu.Vcpu.Run(start + 100));
        Assert.Equal(count, cpu.DeviceAccesses.Count);
        Assert.Equal(start + 3, cpu.Vcpu.InstructionsRetired);
        Assert.Equal(0UL, cpu.State->Registers[2]);
        Assert.Equal(End(code) - 4, cpu.State->Rip);
        Assert.Equal(-1, cpu.Run(1));
        Assert.Equal(1UL, cpu.State->Registers[2]);
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public void Limit_within_the_rest_of_the_block_holds(string code, int count, bool paging)
    {
        using var cpu = Prepare(code, paging);
        var start = cpu.Vcpu.InstructionsRetired;
        cpu.DeviceAccessed = () => cpu.Vcpu.LimitRun(start + 4);
        Assert.Equal(RunExit.LimitReached, cpu.Vcpu.Run(start + 100));
        Assert.Equal(count, cpu.DeviceAccesses.Count);
        Assert.Equal(start + 4, cpu.Vcpu.InstructionsRetired);
        Assert.Equal(1UL, cpu.State->Registers[2]);
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public void Interrupt_that_the_device_raises_is_taken_before_the_next_instruction(string code, int count, bool paging)
    {
        using var cpu = Prepare(code, paging);
        cpu.State->SystemFlags |= Rflags.Interrupt;
        cpu.DeviceAccessed = () =>
        {
            cpu.HasInterrupt = true;
            cpu.Vcpu.NotifyInterrupt();
        };
        var start = cpu.Vcpu.InstructionsRetired;
        Assert.Equal(0, cpu.Run(5)); // the vector that is acknowledged
        Assert.Equal(count, cpu.DeviceAccesses.Count);
        Assert.Equal(start + 3, cpu.Vcpu.InstructionsRetired);
        Assert.Equal(End(code) - 4, cpu.State->Rip);
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    public void Code_that_the_device_writes_is_executed_next(string code, int count, bool paging)
    {
        using var cpu = Prepare(code, paging);
        cpu.DeviceAccessed = () => cpu.Memory.TryWrite(End(code) - 4, [0xFF, 0xCA]); // dec edx
        Assert.Equal(-1, cpu.Run(4));
        Assert.Equal(count, cpu.DeviceAccesses.Count);
        Assert.Equal(uint.MaxValue, cpu.State->Registers[2]);
    }

    [Fact]
    public void Access_marks_the_page_of_the_device_as_used_and_written()
    {
        using var cpu = Prepare("8B0B8903", true);
        var entry = cpu.Ram(Tables + 0x4000, 8);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, CpuFixture.Device | 3);
        BinaryPrimitives.WriteUInt64LittleEndian(cpu.Ram(Tables + 0x3000, 8), (Tables + 0x4000) | 0x23);
        Assert.Equal(-1, cpu.Run(3));
        Assert.Equal(CpuFixture.Device | 0x23, BinaryPrimitives.ReadUInt64LittleEndian(cpu.Ram(Tables + 0x4000, 8)));
        Assert.Equal(-1, cpu.Run(1));
        Assert.Equal(CpuFixture.Device | 0x63, BinaryPrimitives.ReadUInt64LittleEndian(cpu.Ram(Tables + 0x4000, 8)));
        Assert.Equal(["read 80000000 4", "write 80000000 4 7"], cpu.DeviceAccesses);
    }

    [Fact]
    public void Page_that_may_not_be_written_faults_without_an_access()
    {
        using var cpu = Prepare("8903", true);
        cpu.State->Cr0 |= Cr0.Wp;
        BinaryPrimitives.WriteUInt64LittleEndian(cpu.Ram(Tables + 0x3000, 8), CpuFixture.Device | 0xE1);
        cpu.Vcpu.StateChanged();
        Assert.Equal(ExceptionVector.PageFault, cpu.Run(5));
        Assert.Empty(cpu.DeviceAccesses);
        Assert.Equal(End("8903") - 6, cpu.State->Rip);
    }

    private static ulong End(string code) => CpuFixture.Code + (ulong)(Before.Length + code.Length + After.Length) / 2;

    private static CpuFixture Prepare(string code, bool paging)
    {
        var cpu = new CpuFixture();
        if (paging)
        {
            // Large pages for the low 16 MiB and the device, used and written already.
            Enter(cpu, Tables, (Tables + 0x1000) | 0x23);
            Enter(cpu, Tables + 0x1000, (Tables + 0x2000) | 0x23);
            Enter(cpu, Tables + 0x1000 + 2 * 8, (Tables + 0x3000) | 0x23);
            for (var i = 0UL; i < 8; i++)
                Enter(cpu, Tables + 0x2000 + i * 8, (i << 21) | 0xE3);
            Enter(cpu, Tables + 0x3000, CpuFixture.Device | 0xE3);
            cpu.State->Cr3 = Tables;
            cpu.State->Cr4 |= Cr4.Pae;
            cpu.State->Cr0 |= Cr0.Pg;
            cpu.Vcpu.StateChanged();
        }
        cpu.Load(Convert.FromHexString(Before + code + After));
        cpu.State->Registers[0] = 7;
        cpu.State->Registers[2] = 0;
        cpu.State->Registers[3] = CpuFixture.Device;
        cpu.State->Registers[4] = 0x8000;
        return cpu;
    }

    private static void Enter(CpuFixture cpu, ulong address, ulong entry) => BinaryPrimitives.WriteUInt64LittleEndian(cpu.Ram(address, 8), entry);
}
