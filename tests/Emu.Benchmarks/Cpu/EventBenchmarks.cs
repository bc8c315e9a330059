using BenchmarkDotNet.Attributes;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Benchmarks.Cpu;

/// <summary>Nanoseconds for a way into the kernel's code and back, and for reaching a device.</summary>
/// <remarks>
/// QEMU's TCG takes about 220 ns for INT and IRET, 685 ns for a page fault with its handler and INVLPG, 39 ns for an OUT and 55 ns for an access
/// to a device in memory; Bochs 3.0 152, 396, 18 and 24 ns.
/// </remarks>
public class EventBenchmarks
{
    private const int Events = 50_000;

    private BareVcpu _interrupt = null!, _undefined = null!, _fault = null!, _port = null!, _device = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _interrupt = new BareVcpu(Interrupt, paging: true, (0x80, a => a.iretq()));
        _undefined = new BareVcpu(Undefined, paging: true, (6, SkipTwoBytes));
        _fault = new BareVcpu(TouchAbsentPage, paging: true, (14, MapPage));
        _port = new BareVcpu(Out);
        _device = new BareVcpu(ReadDevice);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        foreach (var bare in new[] { _interrupt, _undefined, _fault, _port, _device })
            bare.Dispose();
    }

    /// <summary>INT 0x80 through an interrupt gate, and IRETQ.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void SoftwareInterrupt() => _interrupt.Run(Events * 3);

    /// <summary>UD2, a handler that steps over it, and IRETQ.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void InvalidOpcode() => _undefined.Run(Events * 4);

    /// <summary>A load from an absent page, a handler that maps it, IRETQ; then it is unmapped again, with INVLPG.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void PageFault() => _fault.Run(Events * 8);

    /// <summary>OUT to a port where nobody is.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void PortWrite() => _port.Run(Events * 2);

    /// <summary>A load from an address where no RAM is.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void DeviceRead() => _device.Run(Events * 2);

    private static void Interrupt(Assembler a)
    {
        var again = a.CreateLabel();
        a.Label(ref again);
        a.@int(0x80);
        a.jmp(again);
    }

    private static void Undefined(Assembler a)
    {
        var again = a.CreateLabel();
        a.Label(ref again);
        a.ud2();
        a.jmp(again);
    }

    private static void SkipTwoBytes(Assembler a)
    {
        a.add(__qword_ptr[rsp], 2);
        a.iretq();
    }

    private const ulong Page = BareVcpu.DataAddress;
    private const long Entry = (long)(BareVcpu.PageTables + Page / 4096 * 8);

    private static void TouchAbsentPage(Assembler a)
    {
        var again = a.CreateLabel();
        a.mov(rbx, Entry);
        a.mov(rcx, (long)Page | 3);
        a.Label(ref again);
        a.mov(__qword_ptr[rbx], 0);
        a.invlpg(__[(long)Page]);
        a.mov(rax, __qword_ptr[(long)Page]);
        a.jmp(again);
    }

    private static void MapPage(Assembler a)
    {
        a.mov(__qword_ptr[rbx], rcx);
        a.add(rsp, 8);
        a.iretq();
    }

    private static void Out(Assembler a)
    {
        var again = a.CreateLabel();
        a.Label(ref again);
        a.@out(0x80, al);
        a.jmp(again);
    }

    private static void ReadDevice(Assembler a)
    {
        var again = a.CreateLabel();
        a.mov(rbx, 0xFEE0_0000);
        a.Label(ref again);
        a.mov(eax, __dword_ptr[rbx]);
        a.jmp(again);
    }
}
