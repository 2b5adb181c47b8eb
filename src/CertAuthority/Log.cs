using CertAuthority.Linux;
using Microsoft.Extensions.Logging.Console;

namespace CertAuthority;

/// <summary>The log: lines on stderr, each with its priority for the journal if systemd reads them.</summary>
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
        // The daemon itself reports each failure to start, run or stop, once.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    });
}
