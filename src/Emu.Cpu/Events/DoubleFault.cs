namespace Emu.Cpu.Events;

/// <summary>What a fault during the delivery of another event becomes (SDM Vol. 3, tables 6-4 and 6-5).</summary>
internal static class DoubleFault
{
    private enum Class
    {
        Benign,
        Contributory,
        PageFault,
        DoubleFault,
    }

    /// <summary>The vector of the exception to deliver next, or null for a triple fault.</summary>
    /// <param name="first">What was being delivered.</param>
    /// <param name="second">Vector of the fault that this met with.</param>
    public static byte? Combine(in EventInFlight first, byte second)
    {
        var during = first.Kind == EventKind.Exception ? Classify(first.Vector) : Class.Benign;
        var met = Classify(second);
        return (during, met) switch
        {
            (_, Class.Benign) => second,
            (Class.DoubleFault, _) => null,
            (Class.Contributory, Class.Contributory) or (Class.PageFault, _) => ExceptionVector.DoubleFault,
            _ => second,
        };
    }

    private static Class Classify(byte vector) => vector switch
    {
        ExceptionVector.DivideError or ExceptionVector.InvalidTss or ExceptionVector.SegmentNotPresent
            or ExceptionVector.StackFault or ExceptionVector.GeneralProtection => Class.Contributory,
        ExceptionVector.PageFault => Class.PageFault,
        ExceptionVector.DoubleFault => Class.DoubleFault,
        _ => Class.Benign,
    };
}
