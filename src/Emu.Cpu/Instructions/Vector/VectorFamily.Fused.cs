using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

// FMA.
internal static unsafe partial class VectorFamily
{
    private static void RegisterFused(InstructionTable table)
    {
        table.Add(Mnemonic.Vfmadd132ps, &FusedShape<Vfmadd, Order132, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmadd132pd, &FusedShape<Vfmadd, Order132, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmadd132ss, &FusedShape<Vfmadd, Order132, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfmadd132sd, &FusedShape<Vfmadd, Order132, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfmadd213ps, &FusedShape<Vfmadd, Order213, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmadd213pd, &FusedShape<Vfmadd, Order213, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmadd213ss, &FusedShape<Vfmadd, Order213, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfmadd213sd, &FusedShape<Vfmadd, Order213, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfmadd231ps, &FusedShape<Vfmadd, Order231, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmadd231pd, &FusedShape<Vfmadd, Order231, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmadd231ss, &FusedShape<Vfmadd, Order231, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfmadd231sd, &FusedShape<Vfmadd, Order231, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfmsub132ps, &FusedShape<Vfmsub, Order132, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsub132pd, &FusedShape<Vfmsub, Order132, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsub132ss, &FusedShape<Vfmsub, Order132, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfmsub132sd, &FusedShape<Vfmsub, Order132, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfmsub213ps, &FusedShape<Vfmsub, Order213, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsub213pd, &FusedShape<Vfmsub, Order213, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsub213ss, &FusedShape<Vfmsub, Order213, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfmsub213sd, &FusedShape<Vfmsub, Order213, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfmsub231ps, &FusedShape<Vfmsub, Order231, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsub231pd, &FusedShape<Vfmsub, Order231, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsub231ss, &FusedShape<Vfmsub, Order231, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfmsub231sd, &FusedShape<Vfmsub, Order231, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfnmadd132ps, &FusedShape<Vfnmadd, Order132, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmadd132pd, &FusedShape<Vfnmadd, Order132, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmadd132ss, &FusedShape<Vfnmadd, Order132, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfnmadd132sd, &FusedShape<Vfnmadd, Order132, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfnmadd213ps, &FusedShape<Vfnmadd, Order213, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmadd213pd, &FusedShape<Vfnmadd, Order213, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmadd213ss, &FusedShape<Vfnmadd, Order213, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfnmadd213sd, &FusedShape<Vfnmadd, Order213, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfnmadd231ps, &FusedShape<Vfnmadd, Order231, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmadd231pd, &FusedShape<Vfnmadd, Order231, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmadd231ss, &FusedShape<Vfnmadd, Order231, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfnmadd231sd, &FusedShape<Vfnmadd, Order231, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfnmsub132ps, &FusedShape<Vfnmsub, Order132, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmsub132pd, &FusedShape<Vfnmsub, Order132, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmsub132ss, &FusedShape<Vfnmsub, Order132, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfnmsub132sd, &FusedShape<Vfnmsub, Order132, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfnmsub213ps, &FusedShape<Vfnmsub, Order213, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmsub213pd, &FusedShape<Vfnmsub, Order213, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmsub213ss, &FusedShape<Vfnmsub, Order213, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfnmsub213sd, &FusedShape<Vfnmsub, Order213, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfnmsub231ps, &FusedShape<Vfnmsub, Order231, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmsub231pd, &FusedShape<Vfnmsub, Order231, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfnmsub231ss, &FusedShape<Vfnmsub, Order231, FusedSingle, Quarter>.Bind);
        table.Add(Mnemonic.Vfnmsub231sd, &FusedShape<Vfnmsub, Order231, FusedDouble, Half>.Bind);
        table.Add(Mnemonic.Vfmaddsub132ps, &FusedShape<Vfmaddsub, Order132, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmaddsub132pd, &FusedShape<Vfmaddsub, Order132, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmaddsub213ps, &FusedShape<Vfmaddsub, Order213, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmaddsub213pd, &FusedShape<Vfmaddsub, Order213, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmaddsub231ps, &FusedShape<Vfmaddsub, Order231, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmaddsub231pd, &FusedShape<Vfmaddsub, Order231, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsubadd132ps, &FusedShape<Vfmsubadd, Order132, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsubadd132pd, &FusedShape<Vfmsubadd, Order132, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsubadd213ps, &FusedShape<Vfmsubadd, Order213, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsubadd213pd, &FusedShape<Vfmsubadd, Order213, FusedDoubles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsubadd231ps, &FusedShape<Vfmsubadd, Order231, FusedSingles, Whole>.Bind);
        table.Add(Mnemonic.Vfmsubadd231pd, &FusedShape<Vfmsubadd, Order231, FusedDoubles, Whole>.Bind);
    }
}
