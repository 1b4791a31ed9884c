//! The plugins that `settings.toml` names. One that no code names is not linked.

use intake_plugin_archive as _;
use intake_plugin_file_type as _;
use intake_plugin_image_info as _;
use intake_plugin_image_limits as _;
use intake_plugin_media_info as _;
use intake_plugin_media_type as _;
use intake_plugin_pdf as _;
use intake_plugin_polyglot as _;
use intake_plugin_retention as _;
use intake_plugin_svg as _;
use intake_plugin_text as _;
