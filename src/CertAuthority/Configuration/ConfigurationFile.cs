using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>The configuration can not be used. Each line is one fault, with file, line and column.</summary>
internal sealed class ConfigurationException(string[] faults) : Exception(string.Join('\n', faults))
{
    public string[] Faults { get; } = faults;
}

/// <summary><c>certauthority.yaml</c> into <see cref="Settings"/>.</summary>
internal static class ConfigurationFile
{
    /// <summary>The defaults, with what the file says over them.</summary>
    /// <exception cref="ConfigurationException">All that is wrong with it, at once.</exception>
    public static Settings Read(string path, Settings defaults)
    {
        var faults = new Faults(path);
        try
        {
            var documents = ResourceText.Parse(File.ReadAllBytes(path), faults);
            if (documents.Count > 1)
                faults.Add(documents[1], "a configuration is one document");
            if (documents.Count == 0 || Cursor.Root(documents[0], faults) is not { } root)
                return faults.Any ? throw new ConfigurationException(faults.Lines) : defaults;

            var settings = defaults with
            {
                DataDirectory = AbsolutePath(root, "data_dir") ?? defaults.DataDirectory,
                SocketPath = AbsolutePath(root, "socket") ?? defaults.SocketPath,
            };
            var admins = root.Map("admins");
            settings = settings with { Administrators = [.. admins.Texts("users").Select(user => user.Text)] };
            admins.NotYet("groups");
            admins.Done();
            root.Done();
            return faults.Any ? throw new ConfigurationException(faults.Lines) : settings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{path}: {e.Message}"]);
        }
    }

    private static string? AbsolutePath(Cursor root, string field)
    {
        var path = root.Text(field);
        if (path is null || Path.IsPathFullyQualified(path))
            return path;
        root.Fault(field, $"{field} takes an absolute path");
        return null;
    }
}
