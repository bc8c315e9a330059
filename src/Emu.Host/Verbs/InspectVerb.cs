using System.Text;
using Emu.Host.Running;
using Emu.Host.Terminals;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu inspect</c>.</summary>
public static class InspectVerb
{
    /// <summary>Reports on a kernel file to standard output.</summary>
    /// <param name="path">The file.</param>
    /// <param name="memorySize">The RAM of the guest that it shall fit into, in bytes.</param>
    /// <returns><see cref="ExitCode.Success"/> where <c>emu run</c> would boot it.</returns>
    /// <exception cref="PvhBootException">The file is no kernel, or this program would not boot it; then the report stands on standard output already.</exception>
    public static int Inspect(string path, ulong memorySize)
    {
        KernelImage image = KernelFile.Open(path);
        KernelInspection inspection = KernelInspection.Inspect(image, MachineMemoryMap.RamOf(MachineMemoryMap.Build(MachineProfile.Pc, memorySize)));
        using (Stream output = StandardStreams.OpenOutput())
            output.Write(Encoding.UTF8.GetBytes(InspectionRenderer.Render(inspection, path)));
        return inspection.Refusal is { } refusal ? throw refusal : ExitCode.Success;
    }
}
