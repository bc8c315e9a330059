// Runs a kernel to its end, goes back to the instruction that wrote something, and tries out another past.
using System.Text;
using Emu.Cpu.Instrumentation;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.TimeTravel;
using Emu.Pvh;

var console = new ConsoleText();
using var machine = new PvhMachine(new MachineOptions { MemorySize = 64UL << 20, ConsoleOutput = console });
machine.Load(KernelImage.Open(Path.Combine(AppContext.BaseDirectory, "tour.elf")), commandLine: "sightseeing"u8.ToArray());

// The timeline takes snapshots on the way; going back is restoring one and running up to the place.
var timeline = new Timeline(machine);
var result = timeline.Run(RunLimits.None);
Console.WriteLine($"{result.Reason} after {timeline.Position} instructions");

// Who wrote last where the stack was one call deeper?
var stack = machine.Vcpu.Registers.Rsp - 4;
timeline.Watchpoints = [new Watchpoint(stack, 4, WatchedAccess.Write)];
var found = timeline.RunBack();
Console.WriteLine($"{found.Reason}: 0x{stack:x} was written last at 0x{machine.Vcpu.LinearRip:x}, instruction {timeline.Position}");
timeline.StepBack();
Console.WriteLine($"the one before it is at 0x{machine.Vcpu.LinearRip:x}");

// What if the command line had been another one? It is where start_info says (offset 24), and EBX names that at the entry.
timeline.Watchpoints = [];
timeline.GoTo(timeline.Beginning);
var address = new byte[8];
machine.Ram.Read(machine.Vcpu.Registers.Rbx + 24, address);
machine.Ram.Write(BitConverter.ToUInt64(address), Encoding.ASCII.GetBytes("time travel"));
timeline.Branch();
timeline.Run(RunLimits.None);
Console.WriteLine(console.Text.Split('\n').Last(static line => line.Contains("command line", StringComparison.Ordinal)).Trim());
