// Watches a kernel while it boots: which ports it uses, what interrupts it, who writes to where its boot data lie.
using Emu.Cpu.Instrumentation;
using Emu.Machine;
using Emu.Pvh;

using var machine = new PvhMachine(new MachineOptions { MemorySize = 64UL << 20 });
var boot = machine.Load(KernelImage.Open(Path.Combine(AppContext.BaseDirectory, "tour.elf")), commandLine: "hooked"u8.ToArray());

// Code: called before the instruction is executed, with all registers.
machine.Hooks.OnCode(boot.Kernel.Entry, vcpu =>
    Console.WriteLine($"entered at 0x{vcpu.LinearRip:x}, start_info at 0x{vcpu.Registers.Rbx:x}"));

// Memory: called behind each access; the one that removes itself hears of the first only.
IDisposable? first = null;
first = machine.Hooks.OnMemory(boot.BootData.Start, 4, WatchedAccess.Read, (vcpu, hit) =>
{
    Console.WriteLine($"the magic number is read first before 0x{vcpu.LinearRip:x}, after {machine.InstructionsRetired} instructions");
    first!.Dispose();
});

// Ports: all of them.
SortedDictionary<ulong, int> accesses = [];
machine.Hooks.OnPorts(0, 0x1_0000, access => accesses[access.Address] = accesses.GetValueOrDefault(access.Address) + 1);

// Memory that is no RAM: the register that switches the machine off.
machine.Hooks.OnMmio(AddressMap.SleepRegisters, 1, access => Console.WriteLine($"0x{access.Value:x} is written to the sleep register"));

// Exceptions and interrupts.
var events = 0;
machine.Hooks.OnEvent((_, _) => events++);

var result = machine.Run();
Console.WriteLine($"{result.Reason} after {machine.InstructionsRetired} instructions and {events} events");
foreach (var (port, count) in accesses)
    Console.WriteLine($"port 0x{port:x}: {count} accesses");
