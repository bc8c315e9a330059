using Emu.Fuzz;
using Emu.Fuzz.Running;

if (Options.Parse(args) is not { } options)
{
    Console.Error.WriteLine(Options.Usage);
    return 2;
}
if (options.Case is { } index)
    return Worker.RunOne(options, index) ? 1 : 0;
return options.Journal == null ? Supervisor.Run(options) : Worker.Run(options, TimeSpan.FromMinutes(options.Minutes));
