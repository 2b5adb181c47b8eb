using CertAuthority.Linux;
using Microsoft.Extensions.Logging.Console;

namespace CertAuthority;

/// <summary>The log: lines on stderr, each with the priority that the journal shows where systemd reads them.</summary>
internal static class Log
{
    public static ILoggerFactory Open() => LoggerFactory.Create(logging =>
    {
        if (Journal.IsStderr)
            logging.AddSystemdConsole();
        else
            logging.AddSimpleConsole(console => (console.SingleLine, console.IncludeScopes) = (true, false));
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        // What fails to start, to run or to stop is said once, by the daemon.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    });
}
