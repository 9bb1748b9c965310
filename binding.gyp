# Thin on purpose: CMake builds the addon from native/sources.cmake; this only hands over to it.
{
  'targets': [
    {
      'target_name': 'nautilus',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake_js',
          'message': 'Building the native addon with cmake-js',
          'inputs': ['CMakeLists.txt', 'native/sources.cmake'],
          'outputs': ['build/native/Release/nautilus.node'],
          'action': ['node', '<(module_root_dir)/node_modules/cmake-js/bin/cmake-js', 'build',
                     '--directory', '<(module_root_dir)', '--out', '<(module_root_dir)/build/native'],
        },
      ],
    },
  ],
}
