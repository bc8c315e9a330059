using System.Buffers.Binary;
using Emu.Cpu.Platform;

namespace Emu.Xen;

/// <summary>The page of hypercall stubs that a guest may ask for: slot n, 32 bytes long, makes hypercall n.</summary>
public static class HypercallPage
{
    /// <summary>Bytes in the page.</summary>
    public const int Length = 4096;

    private const int SlotLength = 32;

    /// <summary>HYPERVISOR_iret exists for PV guests only; its slot holds UD2.</summary>
    private const int IretSlot = 23;

    /// <summary>Builds the page.</summary>
    /// <param name="instruction">The opcode that the processor's vendor has.</param>
    /// <returns>4096 bytes: in each slot MOV EAX, n; VMCALL or VMMCALL; RET. The rest is zero.</returns>
    public static byte[] Build(HypercallInstruction instruction)
    {
        var page = new byte[Length];
        for (var slot = 0; slot < Length / SlotLength; slot++)
        {
            var stub = page.AsSpan(slot * SlotLength, SlotLength);
            if (slot == IretSlot)
            {
                stub[0] = 0x0F;
                stub[1] = 0x0B;
                continue;
            }

            stub[0] = 0xB8;
            BinaryPrimitives.WriteInt32LittleEndian(stub[1..], slot);
            stub[5] = 0x0F;
            stub[6] = 0x01;
            stub[7] = (byte)(instruction == HypercallInstruction.Vmcall ? 0xC1 : 0xD9);
            stub[8] = 0xC3;
        }

        return page;
    }
}
